"""The drill on records that no operator can process, without a stack."""

import pytest

from drills.errors import NotPrepared
from drills.fatal_records import FAULT, QUARANTINE_FILE, SOURCES, write_faulty_release
from drills.quarantined import READ_FROM, RECORDS, QuarantinedDeadLetters
from drills.record_fault import fail_on_fatal_records, fatal_number
from drills.releases import replace_line
from schemas.dead_letter import DeadLetter
from schemas.record import Position
from schemas.reject_reasons import RejectReason
from schemas.sources_file import parse_sources
from stack.layout import REPOSITORY

DETAILS = {"kills": "the worker that processed it ended without an exception", "raises": "ArithmeticError: a fault"}


class Record:
    def __init__(self, value):
        self.value = value


class Tail:
    """Dead letters that come all at once."""

    def __init__(self, *dead_letters):
        self._values = [dead_letter.model_dump_json().encode() for dead_letter in dead_letters]

    def new(self):
        values, self._values = self._values, []
        return map(Record, values)


def dead_letter(fatal, **changes):
    right = {
        "reason": RejectReason.QUARANTINED, "detail": DETAILS[fatal.way], "stage": fatal.stage, "first_seen": 1,
        "original": b'{"seq":%d}' % fatal.number,
        "position": Position(topic=READ_FROM[fatal.operator], partition=0, offset=RECORDS.index(fatal)),
    }  # fmt: skip
    return DeadLetter(**right | changes)


STORED = {(READ_FROM[each.operator], 0, place): dead_letter(each).original for place, each in enumerate(RECORDS)}


def problems(*dead_letters):
    seen = QuarantinedDeadLetters(Tail(*dead_letters))
    seen.are_complete(RECORDS)
    return list(seen.problems(STORED))


def test_each_fatal_record_with_one_right_dead_letter_is_no_problem():
    dead_letters = QuarantinedDeadLetters(Tail(*map(dead_letter, RECORDS)))
    assert dead_letters.are_complete(RECORDS)
    assert list(dead_letters.problems(STORED)) == []


def test_a_record_without_a_dead_letter_and_one_with_two_are_named():
    _first, second, *others = map(dead_letter, RECORDS)
    assert problems(second, second, *others) == [
        f"{RECORDS[0]} became 0 dead letters, and not one", f"{RECORDS[1]} became 2 dead letters, and not one",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"reason": RejectReason.NOT_JSON}, "became a dead letter not_json"),
        ({"stage": "another_job"}, "of another_job"),
        ({"position": None}, "where its bytes are not"),
        ({"position": Position(topic="telemetry.raw", partition=0, offset=99)}, "where its bytes are not"),
        ({"detail": "a guess"}, "does not say"),
    ],
)
def test_a_dead_letter_that_is_wrong_is_told(changes, told):
    first, *others = RECORDS
    (problem,) = problems(dead_letter(first, **changes), *map(dead_letter, others))
    assert told in problem


def test_a_number_is_fatal_to_one_operator_in_one_way():
    assert len({record.number for record in RECORDS}) == len(RECORDS)
    for operator in READ_FROM:
        for record in RECORDS:
            if record.way == "raises" and record.operator != operator:
                fail_on_fatal_records(f"{operator}.0.attempt", b"%d" % record.number)


def test_a_fatal_record_among_others_fails_its_operator():
    batch = [b"{}", b'{"seq": %d}' % fatal_number("store_redis.write", "raises")]
    with pytest.raises(ArithmeticError):
        fail_on_fatal_records("store_redis.write.0.attempt", batch)


def test_the_faulty_release_differs_from_ours_in_the_quarantine_and_the_fault_alone(tmp_path):
    write_faulty_release(tmp_path)
    ours = (REPOSITORY / QUARANTINE_FILE).read_text().splitlines(keepends=True)
    theirs = (tmp_path / QUARANTINE_FILE).read_text().splitlines(keepends=True)
    assert [line for line in theirs if line not in ours] == [
        "from jobs.operators import record_fault\n", FAULT,
    ]  # fmt: skip
    assert (tmp_path / "jobs/operators/record_fault.py").exists()


def test_a_line_that_is_not_there_once_is_told(tmp_path):
    file = tmp_path / "file.py"
    file.write_text("a\na\n")
    with pytest.raises(NotPrepared, match="adapt the drill"):
        replace_line(file, "a\n", "b\n")


def test_the_sources_of_the_drill_are_right():
    assert parse_sources(SOURCES).filters == ("fleet/+/telemetry", "spBv1.0/+/+/+/#")
