"""clean_telemetry with more series than its limits allow: over a savepoint, and when silent series are forgotten."""

import json
from collections import Counter
from itertools import count

import pytest

from jobs.clean_telemetry import build
from jobs.settings import JobSettings
from schemas.topics import (
    DEAD_LETTERS,
    TELEMETRY_COMMANDS,
    TELEMETRY_DUPLICATES,
    TELEMETRY_IGNORED,
    TELEMETRY_RAW,
    TELEMETRY_READINGS,
)
from tests.mini_cluster.file_tables import RAW_COLUMNS, raw_row
from tests.mini_cluster.savepoints import OPTIONS, GrowingTables, run_until_written, wait_for
from tests.raw_messages import NOW_MS, Message

SINKS = (TELEMETRY_READINGS, TELEMETRY_DUPLICATES, TELEMETRY_IGNORED, TELEMETRY_COMMANDS, DEAD_LETTERS)


class Cleaning:
    """The job on topics that grow, from a savepoint or without one."""

    def __init__(self, environment, folder, rows, savepoint=None, **settings):
        options = OPTIONS if savepoint is None else OPTIONS | {"execution.state-recovery.path": savepoint}
        self.topics = GrowingTables(environment("clean_telemetry", **options), folder)
        self.topics._source(TELEMETRY_RAW, RAW_COLUMNS, rows)
        for topic in SINKS:
            self.topics.bytes_sink(topic)
        self.statements = build(self.topics.tables, JobSettings(micro_batch_ms=50, **settings))

    def run_until_written(self, n):
        """The path of a savepoint."""
        return run_until_written(self.topics, self.statements, SINKS, n)

    @property
    def readings(self):
        return self.topics.records(TELEMETRY_READINGS)

    @property
    def letters(self):
        return self.topics.records(DEAD_LETTERS)

    @property
    def n_written(self):
        return sum(len(self.topics.records(topic)) for topic in SINKS)


def message(device, n, *metrics, headers=None):
    """One reading of each metric, at the nth millisecond."""
    payload = {"ts": NOW_MS + n, "values": {metric: float(n) for metric in metrics}}
    return Message(json.dumps(payload).encode(), device, headers)


def rows(messages, offset=0):
    return [raw_row(each, offset + number) for number, each in enumerate(messages)]


def series_of(records):
    return Counter((record.device, record.metric) for record in records)


LIMITS = {"max_series": 7, "max_devices": 4, "max_metrics_per_device": 3}
HEADERS = {"mqtt_topic": b"fleet/pump-9/telemetry", "replays": b"2"}
BEFORE = [
    message("pump-1", 0, "flow", "level", "power", "torque"),  # the 4th metric of a device
    message("pump-2", 0, "flow", "level"),
    message("pump-3", 0, "flow"),
    message("pump-4", 0, "flow", "level"),  # the 8th series
    message("pump-5", 0, "flow"),  # the 5th device
    message("pump-9", 0, "flow", headers=HEADERS),
    message("pump-2", 1, "flow", "level"),
    message("pump-1", 0, "flow"),  # a duplicate
    message("pump-1", 1, "level", "torque"),
]
KNOWN = {
    **{("pump-1", metric): 1 for metric in ("flow", "level", "power")},
    ("pump-2", "flow"): 2, ("pump-2", "level"): 2, ("pump-3", "flow"): 1, ("pump-4", "flow"): 1, ("pump-1", "level"): 2,
}  # fmt: skip
N_BEFORE = sum(len(json.loads(each.payload)["values"]) for each in BEFORE)


@pytest.fixture(scope="module")
def before(environment, tmp_path_factory):
    """The job that met its limits, and a savepoint of it."""
    cleaning = Cleaning(environment, tmp_path_factory.mktemp("before"), rows(BEFORE), **LIMITS)
    return cleaning, cleaning.run_until_written(N_BEFORE)


def test_known_series_go_on_and_each_reading_of_another_one_is_a_dead_letter(before):
    cleaning, _ = before
    assert series_of(cleaning.readings) == KNOWN
    details = {(each.device, each.detail.partition(":")[0]) for each in cleaning.letters}
    assert {each.reason.value for each in cleaning.letters} == {"too_many_series"}
    assert details == {
        ("pump-1", "torque is a new series beyond the limit of 3 metrics per device"),
        ("pump-4", "level is a new series beyond the limit of 7 series"),
        ("pump-5", "flow is a new series beyond the limit of 4 devices"),
        ("pump-9", "flow is a new series beyond the limit of 4 devices"),
    }


def test_readings_duplicates_and_dead_letters_are_each_item_once(before):
    cleaning, _ = before
    copies = cleaning.topics.records(TELEMETRY_DUPLICATES)
    positions = [each.position for each in (*cleaning.readings, *copies, *cleaning.letters)]
    items = Counter((position.offset, position.item) for position in positions)
    expected = {(o, i) for o, each in enumerate(BEFORE) for i in range(len(json.loads(each.payload)["values"]))}
    assert len(copies) == 1
    assert set(items) == expected
    assert set(items.values()) == {1}


def test_the_dead_letter_has_what_a_replay_needs(before):
    cleaning, _ = before
    (letter,) = (each for each in cleaning.letters if each.device == "pump-9")
    assert (letter.original, letter.headers, letter.replays) == (BEFORE[5].payload, HEADERS, 2)
    assert (letter.position.topic, letter.position.offset, letter.first_seen) == ("telemetry.raw", 5, NOW_MS)
    assert "HEADRACE_JOB_MAX_DEVICES" in letter.detail
    of_many = next(each for each in cleaning.letters if each.device == "pump-4")
    assert json.loads(of_many.original) == {"ts": NOW_MS, "values": {"level": 0.0}}


def test_after_a_savepoint_known_series_go_on_and_others_stay_out(before, environment, tmp_path):
    again = [message("pump-7", 2, "flow"), message("pump-3", 2, "flow", "level"), message("pump-4", 2, "flow")]
    cleaning = Cleaning(environment, tmp_path, rows(again, len(BEFORE)), before[1], **LIMITS)
    cleaning.run_until_written(4)
    assert series_of(cleaning.readings) == {("pump-3", "flow"): 1, ("pump-4", "flow"): 1}
    assert [each.device for each in cleaning.letters] == ["pump-7", "pump-3"]


def test_a_replayed_dead_letter_is_a_reading_once_the_limit_is_raised(before, environment, tmp_path):
    letters = before[0].letters
    replayed = [Message(each.original, each.device, each.headers | {"replays": b"1"}) for each in letters]
    cleaning = Cleaning(environment, tmp_path, rows(replayed, len(BEFORE)), before[1])
    cleaning.run_until_written(len(letters))
    assert cleaning.letters == []
    assert {(each.device, each.metric, each.event_time) for each in cleaning.readings} == {
        (each.device, each.detail.split()[0], json.loads(each.original)["ts"]) for each in letters
    }


def test_a_silent_series_is_forgotten_and_leaves_its_place_to_another(environment, tmp_path):
    cleaning = Cleaning(
        environment, tmp_path, rows([message("pump-1", 0, "flow")]), max_series=1, series_lifetime_s=1
    )  # fmt: skip
    job = cleaning.statements.execute().get_job_client()
    try:
        for n in count(1):
            wait_for(lambda n=n: cleaning.n_written == n, job)
            if len(cleaning.readings) > 1:
                break
            cleaning.topics.send(TELEMETRY_RAW, rows([message("pump-2", n, "flow")], n))
    finally:
        job.cancel().result()
    assert [each.device for each in cleaning.readings] == ["pump-1", "pump-2"]
    assert {each.device for each in cleaning.letters} == {"pump-2"}
