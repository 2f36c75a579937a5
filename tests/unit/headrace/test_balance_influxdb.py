"""Points as they are read from InfluxDB's answer."""

import json

import httpx
import pytest

from connectors.influxdb.reader import InfluxDBReader
from connectors.stores import StoreMisconfigured, StoreUnavailable
from headrace.reconciliation.stores import InfluxDBPoints, Point

HEADER = ",result,table,_time,_value,device,metric"


def points_of(answer, start_ms=0, stop_ms=1):
    """What is read when InfluxDB answers this."""
    return list(influxdb(answer).points(start_ms, stop_ms))


def influxdb(answer):
    client = httpx.Client(base_url="http://influxdb", transport=httpx.MockTransport(answer))
    return InfluxDBPoints(InfluxDBReader(client, "headrace", "telemetry"))


def csv(*lines, status=200):
    return lambda _: httpx.Response(status, content="\r\n".join([*lines, "", ""]).encode())


def test_points_of_several_tables_are_read():
    answer = csv(
        HEADER,
        ",,0,2024-07-01T00:00:00.123Z,21.4,pump,flow",
        ",,1,2024-07-01T00:00:01Z,-0.1,pump,heat",
        "",
        HEADER,
        ",,2,2024-07-01T00:00:02.5Z,1e300,valve,flow",
    )
    assert points_of(answer) == [
        Point("pump", "flow", 1719792000123, 21.4),
        Point("pump", "heat", 1719792001000, -0.1),
        Point("valve", "flow", 1719792002500, 1e300),
    ]


@pytest.mark.parametrize("device", ["a,b", 'say "pump"', "two\u2028lines", "größer", "\x85"])
def test_names_come_back_as_they_are(device):
    quoted = '"' + device.replace('"', '""') + '"'
    assert points_of(csv(HEADER, f",,0,2024-07-01T00:00:00Z,1,{quoted},flow"))[0].device == device


def test_an_answer_without_points_is_empty():
    assert points_of(csv()) == []


def test_an_answer_that_breaks_off_is_no_answer():
    answer = csv(HEADER, ",,0,2024-07-01T00:00:00Z,1,pump,flow", "", "error,reference", "query terminated,897")
    with pytest.raises(StoreUnavailable, match="query terminated"):
        points_of(answer)


def test_a_refusal_is_told_in_its_words():
    with pytest.raises(StoreMisconfigured, match=r"HEADRACE_INFLUXDB_TOKEN.*unauthorized access"):
        points_of(csv('{"message":"unauthorized access"}', status=401))


def test_the_stretch_of_time_is_asked_for_to_the_millisecond():
    asked = []
    points_of(
        lambda request: asked.append(json.loads(request.content)["query"]) or httpx.Response(200), 1, 1719792000123
    )
    assert "range(start: 1970-01-01T00:00:00.001Z, stop: 2024-07-01T00:00:00.123Z)" in asked[0]


@pytest.mark.parametrize(("seconds", "keeps_everything"), [(0, True), (3600, False)])
def test_the_retention_of_the_bucket_bounds_what_can_be_missed(seconds, keeps_everything):
    buckets = {"buckets": [{"retentionRules": [{"everySeconds": seconds}]}]}
    assert (influxdb(lambda _: httpx.Response(200, json=buckets)).kept_since_ms() == 0) is keeps_everything


def test_influxdb_that_does_not_answer_is_away():
    def refuse(request):
        raise httpx.ConnectError("refused", request=request)

    for ask in (lambda store: list(store.points(0, 1)), lambda store: store.kept_since_ms()):
        with pytest.raises(StoreUnavailable, match="does not answer"):
            ask(influxdb(refuse))
