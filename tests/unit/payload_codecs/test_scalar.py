"""Bare numbers and words."""

import pytest

from payload_codecs.codec import Rejection, Sample
from payload_codecs.message import Message
from payload_codecs.scalar import Scalar
from schemas.reject_reasons import RejectReason
from schemas.source import Source
from schemas.sources import Sources


def decoded(payload, sent_to="home/kitchen/temperature", **fields):
    source = Source(**{"name": "home", "topic": "home/{device}/{metric}", "codec": "scalar", **fields})
    routed = Sources([source]).route(sent_to)
    [item] = Scalar(source).decode(Message(payload, routed.device, sent_to, routed.levels))
    return item


@pytest.mark.parametrize(
    ("payload", "value"),
    [
        (b"21.5", 21.5),
        (b" 21.5\r\n", 21.5),
        (b"-0.5e-3", -0.0005),
        (b"+7", 7.0),
        (b"12.", 12.0),
        (b".5", 0.5),
        (b"\xef\xbb\xbf21.5", 21.5),
        (b"21.5\0\0", 21.5),
        (b"1" * 400, float("inf")),
        (b"true", True),
        (b"false", False),
        (b"null", None),
        (b"ON", "ON"),
        (b"21,4", "21,4"),
        (b"45%", "45%"),
        (b"nan", "nan"),
        (b"1_000", "1_000"),
        ("٢".encode(), "٢"),
        (b"not on", "not on"),
    ],
)
def test_a_number_is_a_number_and_anything_else_the_text_that_it_is(payload, value):
    assert decoded(payload) == Sample("temperature", value)


@pytest.mark.parametrize("payload", [b"", b"  \r\n", b"\0", b"\xef\xbb\xbf"])
def test_a_payload_without_a_value_is_empty(payload):
    assert decoded(payload).reason is RejectReason.EMPTY_PAYLOAD


def test_bytes_that_are_no_text_are_rejected():
    assert decoded(b"21\xff") == Rejection(RejectReason.INVALID_UTF8, "byte 2 is no UTF-8")


def test_the_metric_is_made_of_levels_or_is_a_constant():
    assert decoded(b"1", metric="{device}.{metric}").metric == "kitchen.temperature"
    assert decoded(b"1", "boiler/7", topic="boiler/{device}", metric="'pressure'").metric == "pressure"


def test_the_unit_is_that_of_the_first_glob_that_matches_the_metric():
    units = {"temp*": "'Cel'", "*": "{device}"}
    assert decoded(b"1", unit=units).unit == "Cel"
    assert decoded(b"1", "home/kitchen/humidity", unit=units).unit == "kitchen"
    assert decoded(b"1").unit is None


@pytest.mark.parametrize(
    ("glob", "metric", "has_unit"),
    [
        ("*.temp", "a.temp", True),
        ("t?mp", "temp", False),
        ("t?mp", "t?mp", True),
        ("level[1]", "level1", False),
        ("level[1]", "level[1]", True),
        ("[!a]*", "b", False),
        ("*", "x" * 200, True),
    ],
)
def test_in_a_glob_of_units_only_the_star_is_special(glob, metric, has_unit):
    source = Source(name="plant", topic="plant/{device}/{metric}", codec="scalar", unit={glob: "'Cel'"})
    (sample,) = Scalar(source).decode(Message(b"21.5", "press", levels={"device": "press", "metric": metric}))
    assert sample.unit == ("Cel" if has_unit else None)
