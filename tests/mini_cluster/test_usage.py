"""Usage features: the stream and a table to train on know the same of the same events, at every hour."""

import random
import time
from collections import Counter, defaultdict

import pytest
from pyflink.table.udf import udf

from connectors.pseudonym_key import PseudonymKey
from headrace.churn.usage_history import UsageHistory
from jobs import count_usage, window_usage
from jobs.settings import JobSettings
from schemas.topics import CUSTOMERS_USAGE, DEVICES, INTERACTIONS, USAGE_HOURS
from schemas.usage import UsageHour
from schemas.usage_features import GRACE_MS, HOUR_MS, MAX_AGE_MS, MAX_USAGE_SKEW_MS, MAX_WINDOW_H, NO_USAGE, UsageSource
from tests.mini_cluster.crashes_once import CrashesOnce, restarts_once
from tests.mini_cluster.file_tables import APPEND_TIME
from tests.raw_messages import NOW_MS

MINUTE_MS = 60_000
DAY_MS = 24 * HOUR_MS

OWNERS = {"pump-1": "anna", "pump-2": "anna", "pump-3": "ben", "pump-4": None}
"""pump-5 is sold and its row deleted, pump-6 has no row."""
SOLD = "pump-5"
DEVICE_ROWS = [
    {"device": "pump-3", "owner": "carl", "__deleted": "false"},
    *({"device": device, "owner": owner, "__deleted": "false"} for device, owner in OWNERS.items()),
    {"device": SOLD, "owner": "ben", "__deleted": "false"},
    {"device": SOLD, "owner": "ben", "__deleted": "true"},
]

draw = random.Random(5)

AGES_MS = [draw.randrange(MAX_AGE_MS) for _ in range(150)]
READINGS = [(draw.choice([*OWNERS, SOLD, "pump-6"]), NOW_MS - age) for age in AGES_MS] + [
    ("pump-1", NOW_MS - MAX_AGE_MS), ("pump-2", NOW_MS + MAX_USAGE_SKEW_MS), ("pump-3", NOW_MS),
]  # fmt: skip
NOT_COUNTED = [
    ("pump-1", NOW_MS - MAX_AGE_MS - 1), ("pump-1", 0), ("pump-1", -(2**63)), ("pump-1", 2**62),
    ("pump-2", NOW_MS + MAX_USAGE_SKEW_MS + 1),
]  # fmt: skip
"""Too old, or from a clock that is ahead."""

INTERACTIONS_SENT = [
    (draw.choice(["anna", "dora"]), draw.choice(["a", "b 1", None]), draw.choice(["view", "buy"]), NOW_MS - age)
    for age in AGES_MS[:60]
]
SAME_UP_TO_THE_ITEM = [("dora", "a", "bc", NOW_MS), ("dora", "ab", "c", NOW_MS)]

# Windows of processing time lose what is open when their input ends, and the devices are read before the readings. The
# rows are dated from the job's start: a worker that starts late on a busy machine takes its time from the tail.
RATE, LEAD_S, TAIL_S = 100, 4, 15
SETTINGS = JobSettings(usage_counted_every_s=2)

KEY = PseudonymKey.new()
pseudonym_of = KEY.pseudonym

IDS = """CREATE TEMPORARY TABLE ids (id BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '{rate}',
  'fields.id.kind' = 'sequence', 'fields.id.start' = '0', 'fields.id.end' = '{last}')"""

READINGS_VIEW = f"""CREATE TEMPORARY VIEW telemetry_readings AS
SELECT SPLIT_INDEX(line, '|', 0) AS device, CAST(SPLIT_INDEX(line, '|', 1) AS BIGINT) AS event_time,
  TO_TIMESTAMP_LTZ({NOW_MS}, 3) AS append_time, PROCTIME() AS proc
FROM (SELECT nth_reading(id) AS line FROM ids)"""

INTERACTIONS_VIEW = f"""CREATE TEMPORARY VIEW interactions AS
SELECT *, TO_TIMESTAMP_LTZ({NOW_MS}, 3) AS append_time, PROCTIME() AS proc
FROM (
  SELECT `user`, item, action, event_time FROM interactions_sent
  UNION ALL
  SELECT CASE WHEN id < 0 THEN 'nobody' END, CAST(NULL AS STRING), 'none', {NOW_MS} + id FROM ids
)"""


def hour_of(event_time):
    return event_time // HOUR_MS * HOUR_MS


def run_count(topics, crashing=lambda nth_reading, middle: nth_reading):
    """What count_usage makes of the events: readings out of order, interactions twice, some events of no use."""
    sent = READINGS + NOT_COUNTED
    random.Random(6).shuffle(sent)
    lines = [f"{device}|{event_time}" for device, event_time in sent]
    first = LEAD_S * RATE

    def nth_reading(number: int) -> str | None:
        return lines[number - first] if first <= number < first + len(lines) else None

    nth = crashing(nth_reading, first + len(lines) // 2)
    topics.tables.create_temporary_function("nth_reading", udf(nth, result_type="STRING"))
    topics.tables.execute_sql(IDS.format(rate=RATE, last=first + len(lines) + TAIL_S * RATE))
    topics.tables.execute_sql(READINGS_VIEW)
    names = ("user", "item", "action", "event_time")
    twice = [*INTERACTIONS_SENT, *SAME_UP_TO_THE_ITEM] * 2
    malformed = [{"user": "dora"}, {"user": None, "action": "view", "event_time": NOW_MS}, {"action": "view"}]
    rows = [dict(zip(names, (pseudonym_of(user), *more), strict=True)) for user, *more in twice] + malformed
    topics.source(INTERACTIONS, rows, name="interactions_sent")
    topics.tables.execute_sql(INTERACTIONS_VIEW)
    topics.source(DEVICES, DEVICE_ROWS, count_usage.DELETED)
    topics.sink(USAGE_HOURS)
    (topics.folder / "key").write_text(KEY.text())
    topics.execute(count_usage.build(topics.tables, SETTINGS, int(time.time()), topics.folder / "key"))
    return topics.records(USAGE_HOURS)


@pytest.fixture(scope="module")
def counted(file_tables):
    return run_count(file_tables("count_usage"))


@pytest.fixture
def crash(tmp_path):
    """Options and a function for a job that crashes once in the middle, and what says that it did."""
    marker = tmp_path / "marker"
    return restarts_once(tmp_path), lambda sent, middle: CrashesOnce(sent, middle, marker), marker.exists


@pytest.fixture
def counted_over_a_crash(file_tables, crash):
    options, crashing, has_crashed = crash
    counted = run_count(file_tables("count_usage", **options), crashing)
    assert has_crashed()
    return counted


@pytest.mark.parametrize("run", ["counted", "counted_over_a_crash"])
def test_each_event_is_counted_once_for_its_customer_and_hour(request, run):
    expected = Counter(
        (pseudonym_of(OWNERS[device]), "telemetry", hour_of(at))
        for device, at in READINGS
        if OWNERS.get(device) is not None
    )
    expected += Counter(
        (pseudonym_of(user), "interactions", hour_of(at))
        for user, _, _, at in {*INTERACTIONS_SENT, *SAME_UP_TO_THE_ITEM}
    )
    found = Counter()
    for record in request.getfixturevalue(run):
        found[record.customer, record.source.value, record.hour_start] += record.events
    assert found == expected


def appended_later(records):
    """Each record with a moment after its hour: at once, at the edge of the grace, hours or days later."""
    delays = random.Random(7)
    choices = (0, GRACE_MS - 1, GRACE_MS, GRACE_MS + 1, 20 * MINUTE_MS, 5 * HOUR_MS, 3 * DAY_MS, 9 * DAY_MS)
    known = [(record, record.hour_start + HOUR_MS + delays.choice(choices)) for record in records]
    return sorted(known, key=lambda each: each[1])


LONELY = UsageHour(customer="erik", source=UsageSource.TELEMETRY, hour_start=NOW_MS, events=3)
"""A customer of one hour, which comes in two parts in the same ms at the very end of its grace."""
EDGE_MS = NOW_MS + HOUR_MS + GRACE_MS - 1

# Ticks that never come: when windows close is the same in every run.
NO_TICKS = """CREATE TEMPORARY VIEW clock_ticks AS
SELECT CAST(NULL AS BIGINT) AS tick, et FROM usage_hours WHERE FALSE"""

PASSED = "CREATE TEMPORARY VIEW usage_hours AS SELECT * FROM hours_read WHERE passed(nth)"
ROW_S = 0.03
"""So that there is a checkpoint before the records end."""


def run_windows(topics, known, clock_ticks, crashing=None):
    rows = [
        record.model_dump(mode="json") | {"append_ms": appended, "nth": nth}
        for nth, (record, appended) in enumerate(known)
    ]
    columns = ("`nth` BIGINT", "`append_ms` BIGINT", APPEND_TIME, window_usage.EVENT_TIME, window_usage.WATERMARK)
    topics.source(USAGE_HOURS, rows, *columns, name="hours_read" if crashing else None)

    def passed(number: int) -> bool:
        time.sleep(ROW_S)
        return True

    if crashing:
        topics.tables.create_temporary_function("passed", udf(crashing(passed, len(rows) // 2), result_type="BOOLEAN"))
        topics.tables.execute_sql(PASSED)
    topics.tables.execute_sql(clock_ticks)
    topics.sink(CUSTOMERS_USAGE)
    topics.execute(window_usage.build(topics.tables))
    return topics.records(CUSTOMERS_USAGE)


@pytest.fixture(scope="module")
def known(counted):
    return sorted([*appended_later(counted), (LONELY, EDGE_MS), (LONELY, EDGE_MS)], key=lambda each: each[1])


@pytest.fixture(scope="module")
def served(file_tables, known):
    return run_windows(file_tables("window_usage"), known, NO_TICKS)


def test_a_crash_in_the_middle_changes_no_features(file_tables, known, served, crash):
    options, crashing, has_crashed = crash
    options |= {"python.fn-execution.bundle.size": "10"}
    over_a_crash = run_windows(file_tables("window_usage", **options), known, NO_TICKS, crashing)
    assert has_crashed()
    assert by_hour(over_a_crash) == by_hour(served)


@pytest.fixture(scope="module")
def history(known):
    history = UsageHistory()
    history.add(known)
    yield history
    history.close()


def by_hour(served):
    found = defaultdict(dict)
    for record in served:
        assert record.customer not in found[record.as_of], record
        found[record.as_of][record.customer] = record.features
    return found


def test_training_and_serving_give_equal_features_of_every_customer_at_every_hour(served, history):
    streamed = by_hour(served)
    hours = range(min(streamed) - 2 * HOUR_MS, max(streamed) + 3 * HOUR_MS, HOUR_MS)
    assert set(streamed) <= set(hours)
    compared = Counter()
    for as_of in hours:
        trained = history.features(as_of)
        for customer in {*streamed[as_of], *trained}:
            served_now = streamed[as_of].get(customer, NO_USAGE)
            assert served_now == trained.get(customer, NO_USAGE), (customer, as_of)
            compared[customer] += 1
    assert set(compared) == {*map(pseudonym_of, ("anna", "ben", "dora")), "erik"}
    assert min(compared.values()) >= MAX_WINDOW_H


def test_features_are_those_of_their_words(served, known):
    """Counted once more, from the words of the list and without its SQL."""
    for record in served:
        mine = [r for r, appended in known if r.customer == record.customer and appended < record.as_of + GRACE_MS]
        for source, label in (("telemetry", "readings"), ("interactions", "interactions")):
            ended = [r for r in mine if r.source == source and r.hour_start < record.as_of]
            day, week = ([r for r in ended if r.hour_start >= record.as_of - n * DAY_MS] for n in (1, 7))
            hours = "usage_device_hours_7d" if source == "telemetry" else "usage_interaction_hours_7d"
            assert record.features[f"usage_{label}_1d"] == sum(r.events for r in day)
            assert record.features[f"usage_{label}_7d"] == sum(r.events for r in week)
            assert record.features[hours] == len({r.hour_start for r in week})


def test_what_comes_in_the_last_millisecond_of_the_grace_counts_at_once(served):
    assert by_hour(served)[NOW_MS + HOUR_MS]["erik"]["usage_readings_1d"] == 2 * LONELY.events


def test_a_customer_who_stops_is_said_to_have_none_once_and_no_more(served):
    mine = sorted((r for r in served if r.customer == "erik"), key=lambda r: r.as_of)
    assert [r.as_of for r in mine] == [NOW_MS + n * HOUR_MS for n in range(1, MAX_WINDOW_H + 2)]
    assert [r.features == NO_USAGE for r in mine] == [False] * MAX_WINDOW_H + [True]


def test_what_comes_later_leaks_into_no_earlier_hour(history, known):
    """The features of an hour do not change with records that Kafka took after its grace."""
    as_of = NOW_MS - 2 * DAY_MS
    before = UsageHistory()
    before.add([each for each in known if each[1] < as_of + GRACE_MS])
    assert before.features(as_of) == history.features(as_of)
    assert len(known) > sum(appended < as_of + GRACE_MS for _, appended in known)
    before.close()
