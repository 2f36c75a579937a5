"""window_telemetry: windows, late readings, and whose clock counts."""

import statistics
from collections import defaultdict
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from jobs.window_telemetry import CLOCK_TICKS, EVENT_TIME, WATERMARK, build
from schemas.topics import TELEMETRY_LATE, TELEMETRY_READINGS, TELEMETRY_WINDOWS
from tests.mini_cluster.file_tables import APPEND_TIME
from tests.raw_messages import NOW_MS

LENGTHS_MS = {"10s": 10_000, "1m": 60_000}
OUT_OF_ORDERNESS_MS = 5_000
START = NOW_MS // 60_000 * 60_000 + 50_000
"""Ten seconds before a full minute: windows of both lengths end inside the series."""


@dataclass(frozen=True)
class Arrival:
    """One reading, and when the broker stored it."""

    append_ms: int
    device: str
    event_time: int
    value: float

    def row(self, offset):
        position = {"topic": "telemetry.raw", "partition": 0, "offset": offset, "item": 0, "items": 1}
        fields = {"device": self.device, "event_time": self.event_time, "value": self.value, "position": position}
        return {"schema_version": 1, "metric": "n", "append_ms": self.append_ms} | fields


def series(longest_delay_ms):
    """Event times of one device within 40 s, each with its value and its way to the broker."""
    reading = st.tuples(st.integers(0, 40_000), st.floats(-1e6, 1e6), st.integers(0, longest_delay_ms))
    return st.lists(reading, min_size=1, max_size=12, unique_by=lambda r: r[0])


def generated(strategy, count):
    found = []

    @settings(max_examples=count, phases=[Phase.generate], suppress_health_check=list(HealthCheck), database=None)
    @given(strategy)
    def collect(example):
        found.append(example)

    collect()
    return found


def arrivals(prefix, all_series):
    return [
        Arrival(START + at + delay, f"{prefix} {number}", START + at, value)
        for number, readings in enumerate(all_series)
        for at, value, delay in readings
    ]


PUNCTUAL = arrivals("punctual", generated(series(OUT_OF_ORDERNESS_MS - 1), 40))
TARDY = arrivals("tardy", generated(series(30_000), 40))
FAST_CLOCK = [Arrival(START + t, "fast clock", START + t + 240_000, 1.0) for t in range(0, 40_000, 500)]
CONSTANTS = {"zero": 0.0, "tenth": 0.1, "pressure": 101_325.7, "counter": 1_764_000_000.123}
CONSTANT = [
    Arrival(START + t, f"constant {name}", START + t, value)
    for name, value in CONSTANTS.items()
    for t in range(0, 9_000, 700)
]
NARROW = [Arrival(START + t, "narrow", START + t, 101_325 + t % 2 / 100) for t in range(0, 9_000, 301)]
BACKWARDS = [Arrival(START + 4_000 + i, "backwards", START + 4_000 - 1_000 * i, float(i)) for i in range(5)]

# Sorting by the broker's time is what one partition does.
ARRIVALS = sorted(PUNCTUAL + TARDY + FAST_CLOCK + CONSTANT + NARROW + BACKWARDS, key=lambda a: a.append_ms)


class Windowed:
    """One run of the job over `ARRIVALS`."""

    def __init__(self, topics, clock_ticks):
        rows = [arrival.row(offset) for offset, arrival in enumerate(ARRIVALS)]
        topics.source(TELEMETRY_READINGS, rows, "`append_ms` BIGINT", APPEND_TIME, EVENT_TIME, WATERMARK)
        topics.tables.execute_sql(clock_ticks)
        for topic in (TELEMETRY_WINDOWS, TELEMETRY_LATE):
            topics.sink(topic)
        topics.execute(build(topics.tables))
        self.windows = topics.records(TELEMETRY_WINDOWS)
        self.late = topics.records(TELEMETRY_LATE)

    def of(self, device, window="10s"):
        mine = [w for w in self.windows if w.device == device and w.window == window]
        return sorted(mine, key=lambda w: w.window_start)


# Ticks that never come, in the same task as the readings: what is late is the same in every run.
NO_TICKS = """CREATE TEMPORARY VIEW clock_ticks AS
SELECT CAST(NULL AS BIGINT) AS tick, et FROM telemetry_readings WHERE FALSE"""


@pytest.fixture(scope="module")
def windowed(file_tables):
    return Windowed(file_tables("window_telemetry"), NO_TICKS)


@pytest.fixture(scope="module")
def windowed_with_ticks(file_tables):
    bounded = CLOCK_TICKS.replace("'rows-per-second' = '1'", "'number-of-rows' = '3', 'rows-per-second' = '10'")
    assert bounded != CLOCK_TICKS
    return Windowed(file_tables("window_telemetry"), bounded)


def late_by():
    """Arrival -> how far it is behind the watermark, for those that are."""
    found, watermark = {}, 0
    for arrival in ARRIVALS:
        if arrival.event_time <= watermark:
            found[arrival] = watermark - arrival.event_time
        watermark = max(watermark, min(arrival.event_time, arrival.append_ms) - OUT_OF_ORDERNESS_MS)
    return found


def expected_windows(readings):
    """(device, window, window_start) -> count, mean, min, max, stddev, last."""
    groups = defaultdict(list)
    for reading in readings:
        for window, length in LENGTHS_MS.items():
            groups[reading.device, window, reading.event_time // length * length].append(reading)
    return {key: _aggregates(sorted(group, key=lambda r: r.event_time)) for key, group in groups.items()}


def _aggregates(group):
    values = [reading.value for reading in group]
    spread = (statistics.fmean(values), min(values), max(values), statistics.pstdev(values))
    return pytest.approx((len(values), *spread, values[-1]), rel=1e-9, abs=1e-6)


def aggregates(windows):
    return {(w.device, w.window, w.window_start): (w.count, w.mean, w.min, w.max, w.stddev, w.last) for w in windows}


def test_any_arrival_order_inside_the_out_of_orderness_bound_gives_the_same_windows(windowed):
    devices = {arrival.device for arrival in PUNCTUAL}
    found = aggregates(w for w in windowed.windows if w.device in devices)
    assert found == expected_windows(PUNCTUAL)
    assert not [late for late in windowed.late if late.device in devices]


def test_late_is_exactly_what_is_behind_the_watermark_and_by_how_much(windowed):
    expected = late_by()
    assert len(expected) > 20
    assert {(late.device, late.event_time, late.value): late.late_by_ms for late in windowed.late} == {
        (a.device, a.event_time, a.value): behind for a, behind in expected.items()
    }


def test_what_is_not_late_is_in_its_windows(windowed):
    late = late_by()
    assert aggregates(windowed.windows) == expected_windows(a for a in ARRIVALS if a not in late)


@pytest.mark.parametrize("window", LENGTHS_MS)
@pytest.mark.parametrize("run", ["windowed", "windowed_with_ticks"])
def test_every_reading_is_in_one_window_of_each_length_or_late(request, run, window):
    result = request.getfixturevalue(run)
    in_windows = sum(w.count for w in result.windows if w.window == window)
    assert in_windows + len(result.late) == len(ARRIVALS)


def test_ticks_of_the_clock_change_no_window_of_readings_in_time(windowed_with_ticks):
    devices = {arrival.device for arrival in PUNCTUAL}
    assert aggregates(w for w in windowed_with_ticks.windows if w.device in devices) == expected_windows(PUNCTUAL)


def test_last_is_the_newest_by_event_time_and_not_by_arrival(windowed):
    (window,) = windowed.of("backwards")
    assert (window.count, window.last) == (5, 0.0)


@pytest.mark.parametrize("name", CONSTANTS)
def test_a_constant_series_has_no_deviation(windowed, name):
    (window,) = windowed.of(f"constant {name}")
    assert window.stddev == pytest.approx(0, abs=1e-6 * max(1, CONSTANTS[name] / 1e6))
    assert (window.min, window.max, window.last) == (CONSTANTS[name],) * 3


def test_a_small_deviation_of_large_values_is_not_lost(windowed):
    (window,) = windowed.of("narrow")
    assert window.stddev == pytest.approx(0.005, rel=0.01)


def test_a_clock_that_runs_ahead_makes_nobody_late(windowed):
    assert not [late for late in windowed.late if late.device.startswith(("punctual", "constant", "fast"))]
    assert sum(window.count for window in windowed.of("fast clock")) == len(FAST_CLOCK)


def test_late_readings_keep_all_their_fields(windowed):
    rows = {(a.device, a.event_time): a.row(offset) for offset, a in enumerate(ARRIVALS)}
    for late in windowed.late:
        row = rows[late.device, late.event_time]
        assert (late.metric, late.value, late.position.model_dump()) == (row["metric"], row["value"], row["position"])
