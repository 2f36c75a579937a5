"""What mapped JSON costs beside our own form: counted in calls of functions, which no busy machine changes."""

import json

import pytest

from payload_codecs.message import Message
from payload_codecs.registry import codec_of
from payload_codecs.valid_reading import ValidReading
from payload_codecs.validation import Validator
from schemas.source import DEFAULT_SOURCE, Source
from tests.counted_calls import counted_calls

TIME = 1_719_800_000_123


def mapped(**fields):
    return Source(**{"name": "a", "topic": "fleet/{device}/telemetry", "codec": "json", **fields})


def calls(source, document):
    """Calls, Python's and C's, that decode and judge a message of series that are known."""
    codec, validator = codec_of(source), Validator(source)
    payload = json.dumps(document).encode()
    message = Message(payload, "pump-7", "fleet/pump-7/telemetry", {"device": "pump-7"}, TIME, TIME)
    assert all(type(each) is ValidReading for each in validator.readings(message, codec))
    return counted_calls(lambda: validator.readings(message, codec))


def metrics(number):
    return {f"m{each}": each * 1.5 for each in range(number)}


def elements(number, metric, value, time):
    return [{metric: f"m{each}", value: each * 1.5, time: TIME} for each in range(number)]


@pytest.mark.parametrize(
    ("own", "source", "document", "times"),
    [
        (
            {"ts": TIME, "values": metrics(200)},
            mapped(values="uplink.decoded", time="uplink.at"),
            {"uplink": {"at": TIME, "decoded": metrics(200)}},
            2,
        ),
        (
            {"ts": TIME, "values": metrics(200)},
            mapped(values="@", time="at", exclude=["at", "*.id"], rename={"a*": "b*"}, drop="null"),
            {"at": TIME, **metrics(200)},
            2,
        ),
        (
            elements(200, "metric", "value", "ts"),
            mapped(items="list", metric="id", value="v", time="t"),
            {"list": elements(200, "id", "v", "t")},
            3,
        ),
    ],
    ids=["a path to the values", "names are selected", "an array of items"],
)
def test_mapped_json_costs_little_more_than_our_own_form(own, source, document, times):
    assert calls(source, document) < times * calls(DEFAULT_SOURCE, own)


def documents_of(source, size):
    if source.flatten:
        return {"list": [{"v": 1.5, "t": 2}] * size}
    return {"list": [{"id": f"m{n}", "v": n + 1.5, "t": TIME + n, "broken": {}} for n in range(size)]}


@pytest.mark.parametrize(
    "source",
    [
        mapped(items="list", metric="id", value="v", time="t"),
        mapped(items="list", metric="id", value="v", time="max(list[].t)"),
        mapped(items="list[?v]", metric="join('', [id, 'x'])", value="v", time="max(list[].t)", unit="missing.unit"),
        mapped(items="list", metric="id", value="v", time="t || max(list[].broken)"),
        mapped(values="@", flatten="."),
    ],
    ids=["paths", "an expression into the whole payload", "functions", "an expression that does not fit", "flattened"],
)
def test_the_cost_is_linear_in_the_items(source):
    few, many = (documents_of(source, size) for size in (50, 500))
    assert calls(source, many) < 10.5 * calls(source, few)
