"""clean_telemetry on Flink: what it makes of each message is what the Decoder and the count of its duplicates say.

What each kind of payload has to become stands in tests/unit/jobs/cleaning; its messages run through the job here. The
run has no restarts: one payload that throws fails every test.
"""

import json

import pytest

from jobs.clean_telemetry import OPTIONS, build
from jobs.settings import JobSettings
from schemas.payload_format import Codec
from schemas.source import Source
from schemas.topics import DEAD_LETTERS, TELEMETRY_COMMANDS, TELEMETRY_DUPLICATES, TELEMETRY_IGNORED, TELEMETRY_READINGS
from tests.raw_messages import NOW_MS, Message
from tests.unit.jobs.cleaning import test_clean_anything, test_clean_large, test_clean_payloads
from tests.unit.jobs.cleaning.outcomes import Messages, Outcomes, cleaned

OUTPUTS = (TELEMETRY_READINGS, TELEMETRY_DUPLICATES, TELEMETRY_IGNORED, DEAD_LETTERS)

SCALARS = Source(name="plant", topic=("plant/{line}/{device}/{metric}",), codec=Codec.SCALAR, metric="{metric}")
MAPPED = Source(
    name="meters", topic=("meters/#",), codec=Codec.JSON, device="id", values="@", include=("power",),
)  # fmt: skip
SOURCES = (SCALARS, MAPPED)

ALL_SERIES = JobSettings(max_series=1_000_000, max_devices=1_000_000, max_metrics_per_device=1_000_000)
"""What one of them does is in test_series_limits.py."""

OURS = Messages("ours")
sent = OURS.sent

BY_TOPIC = sent("21.5", "press-1", headers={"mqtt_topic": b"plant/4/press-1/torque"})
BY_NAME = sent("21.5", "press-2", headers={"source": b"plant", "mqtt_topic": b"plant/4/press-2/torque"})
FROM_PAYLOAD = sent('{"id":"meter-1","power":5}', "meters/1", headers={"source": b"meters", "mqtt_topic": b"meters/1"})
NOTHING_KEPT = sent('{"id":"meter-1","fan":5}', "meters/1", headers={"source": b"meters", "mqtt_topic": b"meters/1"})
HEADERS = {"mqtt_topic": b"fleet/two/telemetry", "replays": b"3", "odd \xff": b"\xff\0", "empty": b""}
FIRST = sent(f'{{"metric":"level","value":1,"ts":{NOW_MS}}}', "two")
CONFLICT = sent(f'{{"metric":"level","value":-2.5,"ts":{NOW_MS}}}', "two", headers=HEADERS)
CONFLICTS = sent(json.dumps({"ts": NOW_MS, "values": {"level": 3, "flow": 1}}), "two", headers=HEADERS)


class Job:
    """The job's run: its outcomes, and what it was given."""

    def __init__(self, topics, messages, files=1):
        topics.raw_source(messages, files)
        for topic in OUTPUTS:
            topics.bytes_sink(topic)
        topics.bytes_sink(TELEMETRY_COMMANDS)
        topics.execute(build(topics.tables, ALL_SERIES, SOURCES), timeout_s=300)
        self.records = {topic: topics.records(topic) for topic in OUTPUTS}
        self.outcomes = Outcomes(messages, (item for records in self.records.values() for item in records))


def comparable(message, outcomes):
    """The items of a message. What a detail shows of a value nested 990 deep depends on the stack that is left."""
    deep = [each for each, _ in test_clean_large.DEEP_FIELDS.values()]
    items = outcomes.of(message)
    return [item.model_copy(update={"detail": None}) for item in items] if message in deep else items


OPTIONS_OF_MAIN = OPTIONS | {"table.exec.state.ttl": "10 min"}


@pytest.fixture(scope="module")
def job(file_tables):
    messages = [*test_clean_anything.messages(), *test_clean_large.MESSAGES, *test_clean_payloads.MESSAGES, *OURS]
    return Job(file_tables("clean_telemetry", **OPTIONS_OF_MAIN), messages)


def test_each_message_becomes_what_the_decoder_and_the_count_of_duplicates_say(job):
    messages = job.outcomes.messages
    expected = Outcomes(messages, cleaned(messages, SOURCES))
    for message in messages:
        found, wanted = comparable(message, job.outcomes), comparable(message, expected)
        assert found == wanted, (message.payload or b"")[:200]
    assert len({word for message in messages for word in expected.said_of(message)}) > 20


def test_a_declared_source_is_found_by_the_header_and_by_the_topic(job):
    for message in (BY_TOPIC, BY_NAME):
        reading = job.outcomes.reading(message)
        assert (reading.device, reading.metric, reading.value) == (message.device, "torque", 21.5)


def test_a_payload_that_names_its_device_is_a_reading_of_that_device(job):
    reading = job.outcomes.reading(FROM_PAYLOAD)
    assert (reading.device, reading.metric, reading.value) == ("meter-1", "power", 5)


def test_a_message_of_which_its_source_keeps_nothing_is_ignored_and_said(job):
    (ignored,) = job.outcomes.of(NOTHING_KEPT)
    assert (ignored.source, ignored.reason) == ("meters", "excluded")


def test_a_conflict_keeps_the_bytes_and_the_headers_of_its_message(job):
    letter = job.outcomes.dead_letter(CONFLICT)
    assert (letter.reason, letter.detail) == ("conflicting_duplicate", "level was 1.0, then -2.5")
    assert (letter.original, letter.headers, letter.replays) == (CONFLICT.payload, HEADERS, 3)
    assert (letter.original_size, letter.first_seen, letter.device) == (len(CONFLICT.payload), NOW_MS, "two")


def test_a_conflict_among_other_items_keeps_its_own_bytes(job):
    (letter,) = (item for item in job.outcomes.of(CONFLICTS) if hasattr(item, "reason"))
    assert letter.detail == "level was 1.0, then 3.0"
    assert json.loads(letter.original) == {"ts": NOW_MS, "values": {"level": 3}}


def test_the_readings_of_a_device_leave_in_the_order_of_its_messages(job):
    places: dict[str, list[tuple[int, int]]] = {}
    for reading in job.records[TELEMETRY_READINGS]:
        places.setdefault(reading.device, []).append((reading.position.offset, reading.position.item))
    assert max(map(len, places.values())) > 1000
    assert all(found == sorted(found) for found in places.values())


N = 20_000


def test_at_parallelism_two_each_item_leaves_once(file_tables):
    payloads = [b'{"metric":"level","value":%d}' % n if n % 10 else b"warm" for n in range(N)]
    messages = [Message(payload, device=f"pump {n}") for n, payload in enumerate(payloads)]
    job = Job(file_tables("clean_telemetry", **OPTIONS_OF_MAIN, **{"parallelism.default": "2"}), messages, files=4)
    assert len(job.records[TELEMETRY_READINGS]) == N - N // 10
    assert len(job.records[DEAD_LETTERS]) == N // 10
    assert all(len(job.outcomes.of(message)) == 1 for message in messages)
