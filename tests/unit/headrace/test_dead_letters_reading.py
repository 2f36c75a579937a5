"""dead-letters as it is read, filtered, counted and shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.kafka.clients import KafkaUnavailable
from headrace.dead_letters import dead_letter_tables, terminal_text
from headrace.dead_letters.differences import differences
from headrace.dead_letters.errors import BadFilter, NoSuchDeadLetter
from headrace.dead_letters.filters import Filters, moment
from headrace.dead_letters.stored_dead_letter import UNREADABLE, DeadLetterId, StoredDeadLetter
from headrace.dead_letters.summary import BUCKETS, MAX_GROUPS, OTHERS, Summary, TimeAxis, sparkline
from headrace.dead_letters.topic import DeadLetterReader, Records
from schemas.topics import DEAD_LETTERS
from tests.unit.headrace.dead_letters_in_memory import SEEN_MS, Consumer, letter, record

EVERYTHING = Filters()


def letters_of(consumer: Consumer, stalled_after_s: float = 30) -> DeadLetterReader:
    return DeadLetterReader(Records(consumer, DEAD_LETTERS, stalled_after_s))


def ids(letters, filters=EVERYTHING) -> set[str]:
    return {str(kept.id) for kept in letters.read(filters)}


@given(st.integers(0, 10**8), st.integers(0, 10**17))
def test_an_identifier_that_is_shown_is_one_that_is_taken(partition, offset):
    assert DeadLetterId.parse(str(DeadLetterId(partition, offset))) == DeadLetterId(partition, offset)


@pytest.mark.parametrize("text", ["", "7", "1:", "a:b", "-1:2", "1:2:3"])
def test_what_is_no_identifier_is_refused_with_the_form_of_one(text):
    with pytest.raises(NoSuchDeadLetter, match=r"2:1734.*dlq ls"):
        DeadLetterId.parse(text)


def test_every_letter_is_read_across_holes_and_up_to_the_end():
    consumer = Consumer(record(0), record(1), record(5), record(9), record(2, partition=1), ends={0: 11, 1: 3})
    assert ids(letters_of(consumer)) == {"0:0", "0:1", "0:5", "0:9", "1:2"}


def test_an_empty_topic_has_no_letters():
    letters = letters_of(Consumer())
    assert ids(letters) == set()
    assert letters.first_ms() is None


@pytest.mark.parametrize("value", [b"", b"not json", b"{}", b'{"reason":"of_the_future","stage":"s","first_seen":1}'])
def test_a_record_that_is_no_letter_is_listed_as_unreadable(value):
    (kept,) = letters_of(Consumer(record(0, value))).read(Filters.of(reasons=[UNREADABLE]))
    assert (kept.reason, kept.payload, kept.dead_letter) == (UNREADABLE, value, None)
    assert kept.unreadable


@given(st.binary(max_size=80))
def test_any_bytes_are_a_letter_or_unreadable(value):
    kept = StoredDeadLetter.of(record(0, value))
    assert (kept.dead_letter is None) == (kept.reason == UNREADABLE)


def test_a_header_without_a_value_does_not_make_a_letter_unreadable():
    value = letter().model_dump_json().replace('"headers":{', '"headers":{"trace":null,').encode()
    kept = StoredDeadLetter.of(record(0, value))
    assert kept.dead_letter == letter()


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"reasons": ["bad_value"]}, {"0:0", "0:2"}),
        ({"stages": ["mqtt_bridge"]}, {"0:1"}),
        ({"devices": ["pump-7", "other"]}, {"0:0", "0:1"}),
        ({"reasons": ["bad_value"], "devices": ["pump-8"]}, {"0:2"}),
        ({"since": "2024-07-01T02:13:21+00:00"}, {"0:1", "0:2"}),
        ({"since": "2024-07-01T02:13:21", "until": "2024-07-01T02:13:22"}, {"0:1"}),
    ],
)
def test_filters_take_what_they_name(filters, expected):
    consumer = Consumer(
        record(0),
        record(1, letter(reason="payload_too_large", stage="mqtt_bridge"), after_ms=1000),
        record(2, letter(device="pump-8"), after_ms=2000),
    )
    assert ids(letters_of(consumer), Filters.of(**filters)) == expected


def test_a_reason_that_is_not_on_the_list_is_refused_with_the_list():
    with pytest.raises(BadFilter, match=r"'bad_valu'.*bad_value.*unreadable"):
        Filters.of(reasons=["bad_valu"])


def test_letters_of_a_time_are_found_without_reading_the_others():
    records = Records(Consumer(*(record(n, b"", after_ms=n) for n in range(10))), DEAD_LETTERS)
    assert [each.offset for each in records.read(SEEN_MS + 3, SEEN_MS + 6)] == [3, 4, 5]


@pytest.mark.parametrize("text", ["yesterday", "12", "3w", ""])
def test_what_is_no_time_is_refused_with_examples(text):
    with pytest.raises(BadFilter, match="such as 2h"):
        moment(text)


def test_one_letter_is_found_by_its_identifier():
    letters = letters_of(Consumer(record(0), record(5, letter(device="other")), ends={0: 9}))
    assert letters.one(DeadLetterId(0, 5)).device == "other"


@pytest.mark.parametrize("id_", [DeadLetterId(0, 4), DeadLetterId(0, 8), DeadLetterId(0, 99), DeadLetterId(7, 0)])
def test_a_marker_an_end_and_a_partition_that_is_not_there_are_no_letters(id_):
    with pytest.raises(NoSuchDeadLetter, match=rf"There is no dead letter {id_}"):
        letters_of(Consumer(record(0), record(5), ends={0: 9})).one(id_)


def test_a_letter_that_retention_removed_is_said_to_have_left():
    letters = letters_of(Consumer(record(40), record(41)))
    assert letters.gone() == {0: 40, 1: 0}
    with pytest.raises(NoSuchDeadLetter, match="left by retention: partition 0 begins at offset 40"):
        letters.one(DeadLetterId(0, 12))
    assert dead_letter_tables.gone_sentence(letters.gone()) == (
        "Retention has removed up to 40 dead letters: all before offset 40 of partition 0."
    )


def test_a_broker_that_falls_silent_ends_the_scan_with_an_error():
    consumer = Consumer(record(0))
    consumer.is_silent = True
    with pytest.raises(KafkaUnavailable, match="stopped sending dead-letters"):
        ids(letters_of(consumer, stalled_after_s=0))


def test_a_summary_counts_by_reason_stage_and_device_over_time():
    summary = Summary(TimeAxis(SEEN_MS, SEEN_MS + 16_000), newest=1)
    for offset, after_ms in enumerate((0, 500, 15_000)):
        summary.add(StoredDeadLetter.of(record(offset, after_ms=after_ms)))
    summary.add(StoredDeadLetter.of(record(9, letter(device=None, reason="no_device", stage="mqtt_bridge"))))
    (first, second) = summary.largest
    assert first[0] == ("bad_value", "clean_telemetry", "pump-7")
    assert (first[1].dead_letters, first[1].newest_ms) == (3, SEEN_MS + 15_000)
    assert first[1].over_time == [2] + [0] * (BUCKETS - 2) + [1]
    assert second[0] == ("no_device", "mqtt_bridge", None)
    assert [str(row.id) for row in summary.newest] == ["0:2"]


@given(st.lists(st.integers(0, 50), max_size=60), st.integers(0, 9))
def test_the_newest_are_the_same_in_whatever_order_letters_come(times, most):
    kept = [StoredDeadLetter.of(record(offset, b"", after_ms=ms)) for offset, ms in enumerate(times)]
    summary = Summary(TimeAxis(SEEN_MS, SEEN_MS + 100), most)
    for each in kept:
        summary.add(each)
    expected = sorted(((each.time_ms, each.id) for each in kept), reverse=True)[:most]
    assert [(row.time_ms, row.id) for row in summary.newest] == expected


def test_devices_without_end_take_bounded_memory():
    summary = Summary(TimeAxis(0, 1), 0)
    for number in range(MAX_GROUPS + 5):
        summary.add(StoredDeadLetter(DeadLetterId(0, number), 0, letter(device=f"d{number}")))
    assert len(summary.groups) == MAX_GROUPS + 1
    assert summary.groups["bad_value", "clean_telemetry", OTHERS].dead_letters == 5


@given(st.lists(st.integers(0, 1000), max_size=30))
def test_a_sparkline_has_one_character_for_each_count_and_none_for_zero(counts):
    line = sparkline(counts)
    assert [character == " " for character in line] == [count == 0 for count in counts]


@given(st.binary(max_size=300))
def test_no_payload_reaches_the_terminal_with_a_control_character(payload):
    for shown in (
        terminal_text.block(payload),
        terminal_text.one_line(payload, 50),
        *differences(payload, b"x" + payload),
    ):
        assert all(character.isprintable() or character in "\n\t" for character in shown)


def test_a_payload_that_is_no_text_is_shown_in_hex():
    assert terminal_text.block(b"\xffabc") == f"00000000  {'ff 61 62 63':<47}  .abc"


def test_what_is_cut_is_said():
    assert terminal_text.block(b"x" * 5000).endswith("… and 1,000 characters more: --raw writes all")
    assert terminal_text.block(b"\xff" * 600).endswith("… and 88 bytes more: --raw writes all")


def test_a_difference_of_json_is_one_of_fields():
    shown = differences(b'{"metric":"t","value":"warm"}', b'{"metric":"t","value":21}')
    assert [line for line in shown[2:] if line[0] in "+-"] == ['-  "value": "warm"', '+  "value": 21']
