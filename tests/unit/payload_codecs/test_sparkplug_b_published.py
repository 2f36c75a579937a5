"""Payloads that published clients have encoded: sparkplug-client 3.2.4 (npm) and mqtt-spb-wrapper 2.1.2 (PyPI)."""

from base64 import b64decode

import pytest

from payload_codecs.codec import Command, Rejection, Sample
from payload_codecs.sparkplug_b.codec import SparkplugB
from schemas.presets import preset_fields
from schemas.reject_reasons import RejectReason
from schemas.source import Source
from tests.unit.payload_codecs.sparkplug_messages import CODEC, T, message, reasons, values

PRESET = SparkplugB(Source.model_validate({**preset_fields("sparkplug-b"), "name": "plant"}))

JAVASCRIPT_BIRTH = b64decode(
    "CIDYwaKMNBILCgViZFNlcSAIWAMSGgoUTm9kZSBDb250cm9sL1JlYmlydGggC3AAEhcKC2NvdW50cy9pbnQ4EAEgAVD7////DxIYCgxjb3Vu"
    "dHMvaW50MzIQAiADUJDd+/8PEh0KDGNvdW50cy9pbnQ2NBADIARYgJzor+3/////ARIZCg1jb3VudHMvdWludDMyEAQgB1iA0KzzDhIzCgRm"
    "bG93EAUgCUoiCgdlbmdVbml0CgdRdWFsaXR5EgcIDEIDTC9zEgUIAxjAAWUAAAA/EgwKBG9wZW4QBiALcAESDgoFc3RhdGUgDHoDcnVuEhAK"
    "BXNpbmNlIA1Y+9fBoow0Ei4KBXRhYmxlIBCKASIIAhIBYRIBYhgMGAMiCQoDMgF4CgIIASIJCgMyAXkKAggCEioKBW1vdG9yEAggE5IBHAoB"
    "MRIOCgVzcGVlZBAHIANQhAciBU1vdG9yKAASDgoEYmxvYiARggEDAQIDEgsKBWVtcHR5IAo4ARgA"
)
"""Negative integers as wide as the field; UInt32 in `long_value`."""

JAVASCRIPT_GZIP = b64decode(
    "EhMKCWFsZ29yaXRobSAMegRHWklQIhJTUEJWMS4wX0NPTVBSRVNTRUQq3AIfiwgAAAAAAAADTZCxS8NAFMZzucSkr2k9T8EoCkcmcbDYFukm"
    "6CYqVRGyJu2pgTQX0wtapyJO4iDOTs6C/4L+B266uLs4OXaIaSvo9j1+38d73zP77y8PN3VaBN1vH/BTZrqYzsPMrmhztikimYiwss/9IJEn"
    "rBgrdBaKLZFGslsJItkgiKHmIMuySWqD9QdqVaIy3Lz9GORk8T9ZqxPMNLd///n0lecyROeg9IvTcVJjhtt/ffwu0xpoR6E4IzorbDlg8Oj4"
    "MAokGHupFwayRw3T2sDblS7VTWw/I64oyjq1QBMxj8hEfi+iZdC70pOcWRc4SSNK8jmIWpyV3MHbqPoK6NLzQ87INXJMlSKPIt+2bOwUAFfR"
    "OagmGsteLlW6DHpHSJEQk03foQVAq6MlMedtYuSlrwxH3xkalpQcaH4ofDZ1iTBS8fDNvBPLHoMGspUf25RPSn0BAAA="
)
JAVASCRIPT_DEFLATE = b64decode(
    "EhYKCWFsZ29yaXRobSAMegdERUZMQVRFIhJTUEJWMS4wX0NPTVBSRVNTRUQq0AJ4nE2QsUvDQBTGc7nEpK9pPU/BKApHJnGw2BbpJugmKlUR"
    "sibtqYE0F9MLWqciTuIgzk7Ogv+C/gduuri7ODl2iGkr6PY9ft/He98z++8vDzd1WgTdbx/wU2a6mM7DzK5oc7YpIpmIsLLP/SCRJ6wYK3QW"
    "ii2RRrJbCSLZIIih5iDLsklqg/UHalWiMty8/RjkZPE/WasTzDS3f//59JXnMkTnoPSL03FSY4bbf338LtMaaEehOCM6K2w5YPDo+DAKJBh7"
    "qRcGskcN09rA25Uu1U1sPyOuKMo6tUATMY/IRH4vomXQu9KTnFkXOEkjSvI5iFqcldzB26j6CujS80POyDVyTJUijyLftmzsFABX0TmoJhrL"
    "Xi5Vugx6R0iREJNN36EFQKujJTHnbWLkpa8MR98ZGpaUHGh+KHw2dYkwUvHwzbwTyx6DBrKVH3dQZF4="
)
JAVASCRIPT_DATA = b64decode("CIHYwaKMNBIKEAEgAVD6////DxIPEAMgBFj/m+iv7f////8BEgkQBSAJZQAAgD4YAQ==")

PYTHON_BIRTH = b64decode(
    "CIDYwaKMNBISCgViZFNlcRiA2MGijDQgBFgAEhIKAmk4EAEYgNjBoow0IAFQ+wESFAoDaTE2EAIYgNjBoow0IAJQ1P0DEhYKA2kzMhADGIDY"
    "waKMNCADUJDd+/8PEhsKA2k2NBAEGIDYwaKMNCAEWICc6K/t/////wESEgoCdTgQBRiA2MGijDQgBVDIARIUCgN1MTYQBhiA2MGijDQgBlDg"
    "1AMSFgoDdTMyEAcYgNjBoow0IAdQgNCs8w4SGwoDdTY0EAgYgNjBoow0IAhYhYCAgICAgICAARITCgFmEAkYgNjBoow0IAllAAAAPxIXCgFk"
    "EAoYgNjBoow0IAppAAAAAAAA+D8SEAoBYhALGIDYwaKMNCALcAESEwoBcxAMGIDYwaKMNCAMegNydW4SFgoCZHQQDRiA2MGijDQgDVj718Gi"
    "jDQSFAoBdBAOGIDYwaKMNCAOegRub3RlEhcKBHV1aWQQDxiA2MGijDQgD3oENWYwYxIUCgJieRAQGIDYwaKMNCARggECAAESFQoEZmlsZRAR"
    "GIDYwaKMNCASggEBAhIsCgV0YWJsZRAeGIDYwaKMNCAQigEXCAISAWESAWIYAxgMIgkKAggBCgMyAXgSMwoNX3R5cGVzXy9Nb3RvchiA2MGi"
    "jDQgE5IBGBIUCgVzcGVlZBAfGIDYwaKMNCADUAAoARJOCgVtb3RvchAgGIDYwaKMNCATkgE5EhgKBXNwZWVkECEYgNjBoow0IANQ/Pj//w8a"
    "DAoFSW5kZXgQDEIBMCINX3R5cGVzXy9Nb3RvcigAEhMKBG51bGwQIhiA2MGijDQgAzgBGAA="
)
"""Negative integers as wide as their type; UInt32 in `int_value`."""


def named(items) -> dict:
    return {metric: value for (device, metric), value in values(items).items() if device == "plant/press"}


@pytest.mark.parametrize(
    "birth", [JAVASCRIPT_BIRTH, JAVASCRIPT_GZIP, JAVASCRIPT_DEFLATE], ids=["plain", "gzip", "deflate"]
)
def test_the_javascript_client_is_understood_and_its_compressed_payloads_mean_the_same(birth):
    state = CODEC.new_state()
    items = CODEC.decode(message("NBIRTH", birth), state)
    assert named(items) == {
        "$online": 1, "counts/int8": -5, "counts/int32": -70_000, "counts/int64": -5_000_000_000,
        "counts/uint32": 4_000_000_000, "flow": 0.5, "open": True, "state": "run", "since": T - 5, "motor/speed": 900,
        "blob": b"\x01\x02\x03", "empty": None,
    }  # fmt: skip
    assert {item.unit for item in items if isinstance(item, Sample) and item.metric == "flow"} == {"L/s"}
    assert reasons(items) == [RejectReason.NESTED_VALUES], "the table"
    assert named(CODEC.decode(message("NDATA", JAVASCRIPT_DATA), state)) == {
        "counts/int8": -6, "counts/int64": -5_000_000_001, "flow": 0.25
    }  # fmt: skip


def test_the_python_client_built_on_eclipse_tahu_is_understood():
    items = CODEC.decode(message("NBIRTH", PYTHON_BIRTH), CODEC.new_state())
    assert named(items) == {
        "$online": 1, "i8": -5, "i16": -300, "i32": -70_000, "i64": -5_000_000_000, "u8": 200, "u16": 60_000,
        "u32": 4_000_000_000, "u64": 2**63 + 5, "f": 0.5, "d": 1.5, "b": True, "s": "run", "dt": T - 5, "t": "note",
        "uuid": "5f0c", "by": b"\x00\x01", "file": b"\x02", "motor/speed": -900, "null": None,
    }  # fmt: skip
    assert reasons(items) == [RejectReason.NESTED_VALUES], "the table; the definition of a template is no metric"


def test_a_refused_metric_of_a_published_client_is_refused_the_same_way_when_it_is_replayed():
    for birth in (JAVASCRIPT_BIRTH, PYTHON_BIRTH):
        (refused,) = (
            item for item in CODEC.decode(message("NBIRTH", birth), CODEC.new_state()) if isinstance(item, Rejection)
        )
        (again,) = CODEC.decode(message("NBIRTH", refused.original, replays=b"1"), CODEC.new_state())
        assert (again.reason, again.detail, again.device) == (refused.reason, refused.detail, refused.device)


def test_the_preset_makes_no_dead_letter_of_what_a_birth_says_in_texts_and_nulls():
    items = PRESET.decode(message("NBIRTH", PYTHON_BIRTH), PRESET.new_state())
    assert not {"s", "t", "uuid", "null", "by", "file"} & named(items).keys()
    assert reasons(items) == [RejectReason.NESTED_VALUES], "the table"
    assert not any(isinstance(item, Command) for item in items)
