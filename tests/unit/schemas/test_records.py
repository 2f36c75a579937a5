"""Records: every earlier version is read, and what is written is read back."""

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.dead_letter import KEPT_HEAD_BYTES, MAX_ORIGINAL_BYTES, DeadLetter, bounded_original
from schemas.record import Position
from schemas.sql import columns, sql_type
from schemas.topics import TOPICS

RECORDS = {topic.record.__name__: topic.record for topic in TOPICS if topic.record}
SAMPLES = sorted((Path(__file__).parent / "samples").glob("*.json"))
"""{record}-{version}.json, one for every version that was ever released. They are never changed."""

every_record = pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
every_sample = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.stem)


def record_of(sample):
    return RECORDS[sample.stem.partition("-")[0]]


@every_sample
def test_a_record_of_every_earlier_version_is_read(sample):
    record = record_of(sample).model_validate_json(sample.read_text())
    for name, value in json.loads(sample.read_text()).items():
        assert json.loads(record.model_dump_json())[name] == value


@every_record
def test_every_version_of_a_record_has_a_sample(record):
    assert {f"{record.__name__}-{version}" for version in range(1, record.SCHEMA_VERSION + 1)} == {
        sample.stem for sample in SAMPLES if record_of(sample) is record
    }


@every_sample
def test_fields_that_a_reader_does_not_know_are_no_error(sample):
    newer = json.loads(sample.read_text()) | {"schema_version": 99, "field_of_the_future": 1}
    assert record_of(sample).model_validate(newer).schema_version == 99


@every_sample
def test_fields_that_are_null_may_be_left_out(sample):
    optional = {name for name, field in record_of(sample).model_fields.items() if not field.is_required()}
    least = {name: value for name, value in json.loads(sample.read_text()).items() if name not in optional}
    record_of(sample).model_validate(least)


@every_record
def test_a_field_that_is_not_in_the_first_version_has_a_default(record):
    first = json.loads((Path(__file__).parent / "samples" / f"{record.__name__}-1.json").read_text())
    for name, field in record.model_fields.items():
        assert name in first or not field.is_required(), name


@every_sample
def test_a_record_is_a_value_and_cannot_be_changed(sample):
    with pytest.raises(ValidationError, match="frozen"):
        record_of(sample).model_validate_json(sample.read_text()).schema_version = 2


@given(st.binary(max_size=200), st.dictionaries(st.text(), st.binary(max_size=20), max_size=3))
def test_the_bytes_of_a_dead_letter_come_back_exactly(original, headers):
    letter = DeadLetter(
        reason="not_json", stage="test", first_seen=1, headers=headers,
        position=Position(topic="telemetry.raw", partition=0, offset=1), **bounded_original(original),
    )  # fmt: skip
    assert DeadLetter.model_validate_json(letter.model_dump_json()) == letter


def test_an_original_over_4_mib_keeps_its_head_its_length_and_its_hash():
    whole, cut = (bounded_original(b"x" * n) for n in (MAX_ORIGINAL_BYTES, MAX_ORIGINAL_BYTES + 1))
    assert len(whole["original"]) == MAX_ORIGINAL_BYTES
    assert "replayable" not in whole
    assert (len(cut["original"]), cut["original_size"]) == (KEPT_HEAD_BYTES, MAX_ORIGINAL_BYTES + 1)
    assert cut["original_sha256"] == hashlib.sha256(b"x" * (MAX_ORIGINAL_BYTES + 1)).hexdigest()
    assert cut["replayable"] is False


def test_the_largest_dead_letter_fits_its_topic():
    letter = DeadLetter(reason="not_json", stage="test", first_seen=1, **bounded_original(b"\xff" * MAX_ORIGINAL_BYTES))
    (topic,) = (topic for topic in TOPICS if topic.record is DeadLetter)
    assert len(letter.model_dump_json()) + 1024 * 1024 < topic.max_message_bytes


@every_record
def test_every_field_has_a_column(record):
    lines = columns(record).split(",\n  ")
    assert [line.split("`")[1] for line in lines] == list(record.model_fields)


def test_sql_types_are_those_of_the_fields():
    assert sql_type("offset", int) == "BIGINT"
    assert sql_type("partition", int | None) == "INT"
    assert sql_type("headers", dict[str, bytes]) == "MAP<STRING, BYTES>"
    assert sql_type("position", Position | None) == (
        "ROW<`topic` STRING, `partition` INT, `offset` BIGINT, `item` INT, `items` INT>"
    )


def test_a_type_without_sql_is_named_with_its_field():
    with pytest.raises(TypeError, match="'tags'"):
        sql_type("tags", set[str])
