"""Reasons, units, topics: what must hold for the closed lists."""

import math
import re

import pytest

from schemas import documentation
from schemas.reject_reasons import RejectReason
from schemas.topics import MAX_MESSAGE_BYTES, TOPICS
from schemas.unit_conversions import CONVERSIONS
from schemas.units import ACCEPTED_UNITS, METRIC_UNITS


def test_the_pages_made_from_the_definitions_are_up_to_date():
    assert documentation.stale() == [], "run: python -m schemas.documentation"


def test_a_page_that_somebody_edited_is_stale_and_written_again(tmp_path):
    documentation.main(tmp_path)
    assert documentation.stale(tmp_path) == []
    (tmp_path / "units.md").write_text("edited")
    assert documentation.stale(tmp_path) == ["units.md"]
    documentation.main(tmp_path)
    assert documentation.stale(tmp_path) == []


@pytest.mark.parametrize("name", documentation.PAGES)
def test_every_row_of_a_table_has_the_columns_of_its_head(name):
    width = 0
    for line in documentation.PAGES[name]().splitlines():
        cells = len(re.findall(r"(?<!\\)\|", line)) if line.startswith("| ") else 0
        assert 0 in (cells, width) or cells == width, line
        width = cells


@pytest.mark.parametrize("reason", RejectReason)
def test_a_reason_says_in_a_sentence_what_it_means(reason):
    assert re.fullmatch(r"[a-z0-9_]+", reason)
    assert reason.meaning.endswith((".", ")", "`"))


def test_a_topic_s_name_is_one_table_name():
    assert len({topic.name.replace(".", "_").replace("-", "_") for topic in TOPICS}) == len(TOPICS)
    assert all(re.fullmatch(r"[a-z.-]+", topic.name) for topic in TOPICS)


def test_the_key_of_a_topic_is_a_field_of_its_record():
    assert all(topic.key in topic.record.model_fields for topic in TOPICS if topic.record)


def test_the_largest_message_is_that_of_the_largest_topic():
    assert max(int(topic.configs()["max.message.bytes"]) for topic in TOPICS) == MAX_MESSAGE_BYTES


def test_every_topic_has_the_broker_s_time():
    assert {topic.configs()["message.timestamp.type"] for topic in TOPICS} == {"LogAppendTime"}


def test_every_metric_has_a_unit_that_is_accepted():
    assert set(METRIC_UNITS.values()) <= set(ACCEPTED_UNITS)


def test_every_code_belongs_to_one_quantity():
    codes = [code for accepted in ACCEPTED_UNITS.values() for code in accepted]
    assert len(codes) == len(set(codes))
    assert all(canonical in accepted for canonical, accepted in ACCEPTED_UNITS.items())


@pytest.mark.parametrize("code", [code for accepted in ACCEPTED_UNITS.values() for code in accepted])
def test_a_code_has_a_finite_conversion(code):
    conversion = CONVERSIONS[code]
    assert conversion.factor > 0
    assert math.isfinite(conversion.factor)
    assert math.isfinite(conversion.offset)


@pytest.mark.parametrize(
    ("value", "code", "unit", "expected"),
    [
        (212, "[degF]", "Cel", 100), (0, "K", "Cel", -273.15), (1013.25, "hPa", "Pa", 101_325), (36, "km/h", "m/s", 10),
        (1, "[ppth]", "%", 0.1), (1, "kW.h", "J", 3.6e6), (760, "mm[Hg]", "Pa", 101_325.0), (180, "deg", "deg", 180),
        (1, "[in_i'Hg]", "Pa", 3386.38864), (1, "[ft_i]3", "L", 28.316846592),
        (1, "[in_i]", "m", 0.0254), (250, "mA.h", "A.h", 0.25), (1, "KiBy", "By", 1024), (60, "/min", "Hz", 1),
    ],
)  # fmt: skip
def test_conversions_are_those_of_the_tables(value, code, unit, expected):
    conversion = CONVERSIONS[code]
    assert conversion.unit == unit
    assert value * conversion.factor + conversion.offset == pytest.approx(expected, rel=2e-7, abs=1e-9)
