"""Points that go by a tag: what InfluxDB is asked, and what cannot be asked."""

import json

import httpx
import pytest

from connectors.influxdb.deletion import InfluxDBRemover


@pytest.fixture
def asked():
    return []


@pytest.fixture
def remover(asked):
    def answer(request):
        asked.append(json.loads(request.content)["predicate"])
        return httpx.Response(204)

    with httpx.Client(base_url="http://influxdb", transport=httpx.MockTransport(answer)) as client:
        yield InfluxDBRemover(client, "org", "bucket")


def test_points_go_by_measurement_and_tag_with_quotes_escaped(remover, asked):
    remover.remove("churn", "customer", 'C "7"')
    assert asked == ['_measurement="churn" AND customer="C \\"7\\""']


@pytest.mark.parametrize("value", ["a\nb", "\n", "a\\b", ""])
def test_nothing_is_asked_for_a_value_that_no_point_can_have(remover, asked, value):
    remover.remove("churn", "customer", value)
    assert asked == []
