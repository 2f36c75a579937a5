"""Corrected windows: what they are computed to, when they are sent, what is left for the next run."""

import io
import json
import operator
import statistics
from collections import defaultdict
from functools import partial

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from typer.testing import CliRunner

from connectors.influxdb.reader import InfluxDBReader, instant, milliseconds
from connectors.stores import StoreMisconfigured, StoreUnavailable
from headrace.cli.main import app
from headrace.cli.windows import print_result
from headrace.errors import WindowsNotCorrected
from headrace.late_data.decision import Horizon, StoredWindow, Verdict, judge
from headrace.late_data.influxdb_windows import SPAN_MINUTES, StoredWindows, query, spans_of
from headrace.late_data.late_topic import LateBatch, LateRecord, MalformedRecord
from headrace.late_data.recompute import Correction, CorrectionResult
from headrace.late_data.schedule import Schedule
from headrace.late_data.summary import Window, agree, summarise, windows_of
from headrace.time_parsing import duration_s, moment_ms
from schemas.reading import LateReading
from schemas.record import Position
from schemas.window_summary import WINDOWS_MS, WindowSummary

MINUTE = 1_790_000_040_000 // 60_000 * 60_000
HOUR_MS = 3_600_000
CLOSED = MINUTE + HOUR_MS
"""Every window that ends by then has closed."""
TEN = Window("pump", "temperature", "10s", MINUTE)


def late(event_time, offset=0, partition=0, device="pump", metric="temperature", late_by_ms=HOUR_MS, value=1.0):
    position = Position(topic="telemetry.raw", partition=partition, offset=offset)
    reading = LateReading(
        device=device, metric=metric, event_time=event_time, value=value, position=position, late_by_ms=late_by_ms
    )
    return LateRecord(partition, offset, reading)


class InMemoryLate:
    """Batches of records; what was committed."""

    def __init__(self, *batches, malformed=()):
        self.given = batches
        self.malformed = list(malformed)
        self.committed = []
        self.asked_since = None

    def batches(self, since_ms=None):
        self.asked_since = since_ms
        for records in self.given:
            ends = defaultdict(int)
            for each in records:
                ends[each.partition] = max(ends[each.partition], each.offset + 1)
            yield LateBatch(list(records), self.malformed, dict(ends))

    def commit(self, offsets):
        self.committed.append(dict(offsets))


class InMemoryInfluxDB:
    """Readings and points by series; counts how often it is asked for a window."""

    def __init__(self, readings=None, points=(), oldest_kept=0):
        self.readings = readings or {}
        """(device, metric) -> event time -> value."""
        self.points = {key_of(each): each for each in points}
        self.oldest_kept = oldest_kept
        self.asked = []

    def oldest_kept_ms(self, now_ms):
        return self.oldest_kept

    def of(self, windows):
        for window in windows:
            self.asked.append(window)
            series = self.readings.get((window.device, window.metric), {})
            inside = {at: value for at, value in series.items() if window.start <= at < window.end}
            yield StoredWindow(window, inside, self.points.get(window))


class InMemoryStore:
    """A store that has come so far or not."""

    def __init__(self, *, caught_up=True):
        self.caught_up = caught_up
        self.waited_s = None

    def fence(self):
        return {0: 17}

    def passes(self, fence, within_s):
        assert fence == {0: 17}
        self.waited_s = within_s
        return self.caught_up


class InMemoryWindows:
    """The topic: what was sent."""

    def __init__(self, newest_end=CLOSED, error=None):
        self.newest_end = newest_end
        self.error = error
        self.sent = []

    def newest_end_ms(self):
        return self.newest_end

    def send(self, summaries):
        if self.error:
            raise self.error
        self.sent += summaries


def key_of(summary):
    return Window(summary.device, summary.metric, summary.window, summary.window_start)


def first_record(window, readings):
    return summarise(window, readings).model_copy(update={"corrected": False})


@pytest.fixture
def readings():
    """What the store has of a minute: a reading a second, one of them came late (the 7th)."""
    return {MINUTE + 1000 * second: second / 2 for second in range(60)}


ON_TIME = {MINUTE + 1000 * second: second / 2 for second in range(60) if second != 7}
LATE = MINUTE + 7000


def points():
    whole = Window("pump", "temperature", "1m", MINUTE)
    ten = {at: value for at, value in ON_TIME.items() if at < MINUTE + 10_000}
    return [first_record(whole, ON_TIME), first_record(TEN, ten)]


def corrected_by(late_topic, influxdb, *, store=None, windows=None, **options):
    windows = windows or InMemoryWindows()
    result = Correction(late_topic, influxdb, store or InMemoryStore(), windows).run(**options)
    return result, windows.sent


# ---------------------------------------------------------------- what a window comes to


@given(st.dictionaries(st.integers(0, 9_999), st.floats(-1e9, 1e9), min_size=1, max_size=40))
def test_a_summary_is_that_of_the_population_and_last_is_the_newest_by_event_time(values):
    readings = {MINUTE + offset: value for offset, value in values.items()}
    summary = summarise(TEN, readings)
    expected = (len(values), statistics.fmean(values.values()), statistics.pstdev(values.values()), values[max(values)])
    assert (summary.count, summary.mean, summary.stddev, summary.last) == pytest.approx(expected, rel=1e-9, abs=1e-6)
    assert (summary.min, summary.max) == (min(values.values()), max(values.values()))
    assert summary.corrected


@given(st.integers(0, 4_000_000_000_000))
def test_a_reading_is_inside_of_its_windows(event_time):
    found = list(windows_of("d", "m", event_time))
    assert {window.length for window in found} == set(WINDOWS_MS)
    assert all(window.start <= event_time < window.end for window in found)


def test_the_digits_that_the_order_of_adding_up_decides_are_no_difference():
    readings = {MINUTE + i: 101_325 + i % 2 / 100 for i in range(50)}
    exact = summarise(TEN, readings)
    values = list(readings.values())
    naive = sum(v * v for v in values) / len(values) - (sum(values) / len(values)) ** 2
    by_flink = exact.model_copy(update={"mean": sum(values) / len(values), "stddev": max(naive, 0.0) ** 0.5})
    assert agree(exact, by_flink)
    assert not agree(exact, exact.model_copy(update={"mean": exact.mean + 0.001}))
    assert not agree(exact, exact.model_copy(update={"count": 49}))


# ---------------------------------------------------------------- verdicts


HORIZON = Horizon(closed=CLOSED, kept=0)
TWO = {MINUTE: 1.0, MINUTE + 1000: 2.0}


@pytest.mark.parametrize(
    ("stored", "horizon", "verdict"),
    [
        (StoredWindow(TEN, TWO, first_record(TEN, {MINUTE: 1.0})), HORIZON, Verdict.CORRECTED),
        (StoredWindow(TEN, TWO, None), HORIZON, Verdict.CORRECTED),
        (StoredWindow(TEN, TWO, first_record(TEN, TWO)), HORIZON, Verdict.RIGHT),
        (StoredWindow(TEN, {MINUTE: 1.0}, first_record(TEN, TWO)), HORIZON, Verdict.FEWER),
        (StoredWindow(TEN, {}, None), HORIZON, Verdict.EMPTY),
        (StoredWindow(TEN, TWO, None), Horizon(CLOSED, MINUTE + 1), Verdict.EXPIRED),
        (StoredWindow(TEN, TWO, None), Horizon(TEN.end - 1, 0), Verdict.OPEN),
        # A point that is there does not show that the store had passed all readings of its window.
        (StoredWindow(TEN, TWO, first_record(TEN, {MINUTE: 1.0})), Horizon(TEN.end - 1, 0), Verdict.OPEN),
    ],
)
def test_a_window_gets_its_verdict(stored, horizon, verdict):
    assert judge(stored, {MINUTE + 1000: MINUTE + 2000}, horizon)[0] is verdict


def test_a_window_whose_readings_all_came_behind_its_end_needs_no_later_window_to_be_corrected():
    nothing_closed = Horizon(0, 0)
    behind_the_end, before_the_end = TEN.end, TEN.end - 1
    assert (
        judge(StoredWindow(TEN, TWO, None), dict.fromkeys(TWO, behind_the_end), nothing_closed)[0] is Verdict.CORRECTED
    )
    assert judge(StoredWindow(TEN, TWO, None), dict.fromkeys(TWO, before_the_end), nothing_closed)[0] is Verdict.OPEN
    assert judge(StoredWindow(TEN, TWO, None), {MINUTE: behind_the_end}, nothing_closed)[0] is Verdict.OPEN


# ---------------------------------------------------------------- a run


def test_a_late_reading_corrects_its_window_of_each_length_and_then_the_offset_moves(readings):
    topic, influxdb = (
        InMemoryLate([late(LATE, offset=5)]),
        InMemoryInfluxDB({("pump", "temperature"): readings}, points()),
    )
    result, sent = corrected_by(topic, influxdb)
    assert {(each.window, each.count, each.window_start) for each in sent} == {("10s", 10, MINUTE), ("1m", 60, MINUTE)}
    assert all(each.corrected for each in sent)
    assert (result.late, result.corrected, result.left, topic.committed) == (1, 2, 0, [{0: 6}])
    assert {change.before.count for change in result.changes} == {9, 59}


def test_many_late_readings_of_a_window_are_one_computation(readings):
    topic = InMemoryLate([late(MINUTE + 1000 * second, offset=second) for second in range(10)])
    influxdb = InMemoryInfluxDB({("pump", "temperature"): readings})
    _, sent = corrected_by(topic, influxdb)
    assert (len(influxdb.asked), len(sent)) == (2, 2)


def test_a_run_that_is_repeated_after_its_points_arrived_sends_nothing(readings):
    influxdb = InMemoryInfluxDB({("pump", "temperature"): readings}, points())
    _, sent = corrected_by(InMemoryLate([late(LATE)]), influxdb)
    influxdb.points = {key_of(each): each for each in sent}
    topic = InMemoryLate([late(LATE)])
    result, sent_again = corrected_by(topic, influxdb)
    assert (sent_again, result.windows[Verdict.RIGHT], topic.committed) == ([], 2, [{0: 1}])


def test_offsets_stay_when_the_corrected_windows_could_not_be_sent(readings):
    topic = InMemoryLate([late(LATE)])
    influxdb = InMemoryInfluxDB({("pump", "temperature"): readings}, points())
    with pytest.raises(TimeoutError):
        corrected_by(topic, influxdb, windows=InMemoryWindows(error=TimeoutError()))
    assert topic.committed == []


def test_while_the_store_is_behind_everything_is_left_for_the_next_run(readings):
    topic, store = InMemoryLate([late(LATE, offset=5), late(LATE + 1, offset=6)]), InMemoryStore(caught_up=False)
    influxdb = InMemoryInfluxDB({("pump", "temperature"): readings}, points())
    result, sent = corrected_by(topic, influxdb, store=store, wait_s=12.0)
    assert (sent, influxdb.asked, result.left, topic.committed) == ([], [], 2, [{0: 5}])
    assert store.waited_s == 12.0


def test_an_open_window_is_left_and_holds_its_own_partition_only(readings):
    new = CLOSED + 1000
    first = [late(LATE, offset=1), late(new, offset=2, late_by_ms=1), late(LATE, offset=3), late(LATE, 9, partition=1)]
    topic = InMemoryLate(first, [late(LATE, offset=4), late(new, offset=5, late_by_ms=1)])
    influxdb = InMemoryInfluxDB({("pump", "temperature"): readings | {new: 1.0}}, points())
    result, sent = corrected_by(topic, influxdb)
    assert {each.window_start for each in sent} == {MINUTE}
    assert (result.left, result.windows[Verdict.OPEN]) == (2, 4)
    assert topic.committed == [{0: 2, 1: 10}, {0: 2}]


def test_a_late_reading_that_influxdb_does_not_have_is_counted_and_holds_nothing_up(readings):
    del readings[LATE]
    topic, influxdb = InMemoryLate([late(LATE)]), InMemoryInfluxDB({("pump", "temperature"): readings}, points())
    result, sent = corrected_by(topic, influxdb)
    assert (sent, result.not_stored, result.windows[Verdict.RIGHT], topic.committed) == ([], 1, 2, [{0: 1}])


def test_windows_behind_the_retention_are_counted_and_hold_nothing_up(readings):
    topic = InMemoryLate([late(LATE)])
    influxdb = InMemoryInfluxDB({("pump", "temperature"): readings}, points(), oldest_kept=MINUTE + 60_000)
    result, sent = corrected_by(topic, influxdb)
    assert (sent, result.windows, result.not_stored, topic.committed) == ([], {Verdict.EXPIRED: 2}, 0, [{0: 1}])


def test_malformed_records_are_named_and_counted_and_the_others_go_on(readings):
    topic = InMemoryLate([late(LATE)], malformed=[MalformedRecord(0, 3, "device: Field required")])
    influxdb = InMemoryInfluxDB({("pump", "temperature"): readings}, points())
    result, sent = corrected_by(topic, influxdb)
    assert (result.malformed, result.malformed_records, len(sent)) == (1, topic.malformed, 2)


def test_a_dry_run_sends_nothing_and_moves_nothing(readings):
    topic, influxdb = InMemoryLate([late(LATE)]), InMemoryInfluxDB({("pump", "temperature"): readings}, points())
    result, sent = corrected_by(topic, influxdb, dry_run=True)
    assert (sent, topic.committed, result.corrected, len(result.changes)) == ([], [], 2, 2)


def test_looking_back_does_not_move_where_the_next_run_starts(readings):
    topic, influxdb = InMemoryLate([late(LATE)]), InMemoryInfluxDB({("pump", "temperature"): readings}, points())
    _, sent = corrected_by(topic, influxdb, since_ms=123)
    assert (topic.asked_since, len(sent), topic.committed) == (123, 2, [])


def test_a_result_is_json(readings):
    influxdb = InMemoryInfluxDB({("pump", "temperature"): readings}, points())
    result, _ = corrected_by(InMemoryLate([late(LATE)]), influxdb)
    shown = json.loads(json.dumps(result.as_json()))
    assert (shown["late"], shown["windows"]["corrected"]) == (1, 2)
    assert shown["changes"][0]["before"]["count"] == shown["changes"][0]["after"]["count"] - 1


# ---------------------------------------------------------------- questions to InfluxDB


ANSWER = f"""\
,result,table,_time,_value,_field\r
,r0,0,{instant(MINUTE)},1,value\r
,r0,0,{instant(MINUTE + 7123)},2.5,value\r
\r
,result,table,_time,_value,_field,window\r
,p0,1,{instant(MINUTE)},1,count,10s\r
\r
,result,table,_time,_value,_field,window\r
,p0,2,{instant(MINUTE)},1,last,10s\r
,p0,3,{instant(MINUTE)},1,max,10s\r
,p0,4,{instant(MINUTE)},1,mean,10s\r
,p0,5,{instant(MINUTE)},1,min,10s\r
,p0,6,{instant(MINUTE)},0,stddev,10s\r
\r
"""


def stored_windows(*answers):
    """StoredWindows of an InfluxDB that gives these answers, and what it was asked."""
    left, asked = list(answers), []

    def answer(request):
        asked.append(request)
        prepared = left.pop(0)
        if isinstance(prepared, Exception):
            raise prepared
        return prepared

    client = httpx.Client(transport=httpx.MockTransport(answer), base_url="http://influxdb:8086")
    return StoredWindows(InfluxDBReader(client, "headrace", "telemetry")), asked


def test_readings_and_points_of_a_window_are_read_from_one_answer():
    influxdb, asked = stored_windows(httpx.Response(200, text=ANSWER))
    (stored,) = influxdb.of([TEN])
    assert stored.readings == {MINUTE: 1.0, MINUTE + 7123: 2.5}
    assert (stored.point.count, stored.point.mean, stored.point.window) == (1, 1.0, "10s")
    assert len(asked) == 1


def test_a_reading_at_the_end_of_a_window_is_in_the_next_one():
    row = f",r0,0,{instant(TEN.end)},7,value\r\n"
    influxdb, _ = stored_windows(httpx.Response(200, text=ANSWER.replace("\r\n\r\n", f"\r\n{row}\r\n", 1)))
    first, second = influxdb.of([TEN, Window("pump", "temperature", "10s", TEN.end)])
    assert (set(first.readings.values()), set(second.readings.values())) == ({1.0, 2.5}, {7.0})


def test_a_point_without_all_of_its_fields_is_as_good_as_none():
    influxdb, _ = stored_windows(httpx.Response(200, text=ANSWER[: ANSWER.index(",p0,4")]))
    (stored,) = influxdb.of([TEN])
    assert stored.point is None


def test_a_window_of_which_nothing_is_stored_is_given_too():
    influxdb, _ = stored_windows(httpx.Response(200, text="\r\n"))
    assert list(influxdb.of([TEN])) == [StoredWindow(TEN, {}, None)]


def test_neighbouring_windows_of_a_series_are_one_span_and_long_ones_are_cut():
    minutes = range(0, 2 * SPAN_MINUTES)
    windows = [w for m in minutes for w in windows_of("d", "m", MINUTE + 60_000 * m)] + [*windows_of("e", "m", MINUTE)]
    spans = list(spans_of(windows))
    assert [(span.device, (span.end - span.start) // 60_000) for span in spans] == [
        ("d", SPAN_MINUTES), ("d", SPAN_MINUTES), ("e", 1),
    ]  # fmt: skip
    assert sum(len(span.windows) for span in spans) == len(windows)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 100 * HOUR_MS)), max_size=30))
def test_each_window_is_asked_for_once_inside_of_its_span(readings):
    windows = {window for device, at in readings for window in windows_of(device, "m", at)}
    spans = list(spans_of(windows))
    assert sorted(window for span in spans for window in span.windows) == sorted(windows)
    assert all(span.start <= w.start and w.end <= span.end for span in spans for w in span.windows)


def test_names_with_quotes_and_braces_stay_names():
    (span,) = spans_of([Window('a"b', "${c}\\", "1m", MINUTE)])
    assert '''r.device == "a\\"b" and r.metric == "\\x24{c}\\\\"''' in query("telemetry", [span])


def test_of_a_reading_the_value_is_asked_for_and_not_the_texts_beside_it():
    flux = query("telemetry", spans_of([Window("a", "b", "1m", MINUTE)]))
    assert flux.count('r._measurement == "reading"') == flux.count('"reading" and r._field == "value"') == 1


@given(st.integers(0, 4_000_000_000_000))
def test_times_come_back_from_influxdb_as_they_went(ms):
    assert milliseconds(instant(ms)) == ms


@pytest.mark.parametrize(("every_s", "oldest"), [(0, 0), (3600, 10 * HOUR_MS - HOUR_MS)])
def test_the_retention_of_the_bucket_says_what_is_too_old(every_s, oldest):
    rules = [{"type": "expire", "everySeconds": every_s}]
    influxdb, _ = stored_windows(httpx.Response(200, json={"buckets": [{"retentionRules": rules}]}))
    assert influxdb.oldest_kept_ms(10 * HOUR_MS) == oldest


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (httpx.ConnectError("refused"), StoreUnavailable, "does not answer"),
        (httpx.Response(503, text="overloaded"), StoreUnavailable, "503: overloaded"),
        (httpx.Response(401, text="no"), StoreMisconfigured, "HEADRACE_INFLUXDB_TOKEN"),
        (httpx.Response(400, text="bad flux"), ValueError, "bad flux"),
        (httpx.Response(200, text=",error,reference\n,memory limit,897\n"), StoreUnavailable, "memory limit"),
    ],
)
def test_an_influxdb_that_does_not_answer_is_told_from_one_that_refuses(answer, error, words):
    influxdb, _ = stored_windows(answer)
    with pytest.raises(error, match=words):
        list(influxdb.of([TEN]))


# ---------------------------------------------------------------- the schedule


class EnoughRuns(Exception):
    pass


def run_schedule(tmp_path, *outcomes):
    """What each pause found in the report, until the outcomes are used up."""
    left, found, report = list(outcomes), [], tmp_path / "report.json"

    def run():
        outcome = left.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def sleep(seconds):
        found.append(json.loads(report.read_text()) | {"slept_s": seconds})
        if not left:
            raise EnoughRuns

    with pytest.raises(EnoughRuns):
        Schedule(run, 300.0, report, sleep).forever()
    return found


def test_a_run_that_fails_is_tried_again_after_the_pause(tmp_path):
    first, second = run_schedule(tmp_path, WindowsNotCorrected("InfluxDB does not answer"), CorrectionResult(late=2))
    assert (first["error"], first["slept_s"]) == ("InfluxDB does not answer", 300.0)
    assert second["late"] == 2
    assert "error" not in second


def test_the_schedule_says_what_it_skipped(tmp_path, caplog):
    (said,) = run_schedule(tmp_path, CorrectionResult(malformed=1, malformed_records=[MalformedRecord(0, 3, "broken")]))
    assert said["malformed"] == 1
    assert "telemetry.late[0] offset 3: broken" in caplog.text
    (line,) = (each for each in caplog.records if each.levelname == "WARNING")
    assert (line.topic, line.partition, line.offset) == ("telemetry.late", 0, 3)


def test_an_error_of_ours_is_not_hidden_by_the_schedule(tmp_path):
    with pytest.raises(ZeroDivisionError):
        Schedule(partial(operator.truediv, 1, 0), 300.0, tmp_path / "report.json").forever()


# ---------------------------------------------------------------- the command


def command(tmp_path, *arguments):
    return CliRunner().invoke(
        app, ["windows", "correct", "--home", str(tmp_path), "--port-offset", "39999", *arguments]
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--every", "5m", "--since", "2h"], "--every goes with neither"),
        (["--every", "5"], "for example 5m"),
        (["--since", "yesterday"], "is not a time"),
        (["--report", "x.json"], "--report goes with --every only"),
    ],
)
def test_arguments_that_make_no_sense_are_refused_in_words(tmp_path, arguments, words):
    shown = command(tmp_path, *arguments)
    assert shown.exit_code == 2
    assert words in " ".join(shown.stderr.split())


def test_without_kafka_the_command_ends_with_one_line_and_a_failure(tmp_path):
    shown = command(tmp_path)
    assert shown.exit_code == 1
    assert shown.stderr.startswith("✘ Kafka at 127.0.0.1:59091 does not answer. No late reading is lost")
    assert len(shown.stderr.splitlines()) == 1


def test_a_result_is_printed_with_windows_before_and_after(readings):
    influxdb = InMemoryInfluxDB({("pump", "temperature"): readings}, points())
    result, _ = corrected_by(InMemoryLate([late(LATE)], malformed=[MalformedRecord(0, 3, "broken [x]")]), influxdb)
    console = Console(width=120, record=True, file=io.StringIO())
    print_result(result, dry_run=False, console=console)
    text = console.export_text()
    assert "9 → 10" in text
    assert "59 → 60" in text
    assert "skipped telemetry.late[0] offset 3: broken [x]" in text


# ---------------------------------------------------------------- times on the command line


@pytest.mark.parametrize(("text", "seconds"), [("5m", 300), ("90s", 90), ("2h", 7200), ("1.5d", 129_600)])
def test_durations_are_a_number_and_a_unit(text, seconds):
    assert duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "m", "-5m", "0s", "5 min", "1e3s", "٣m5"])
def test_other_texts_are_no_duration(text):
    with pytest.raises(ValueError, match="for example 5m"):
        duration_s(text)


def test_a_moment_is_a_duration_before_now_or_a_time_in_utc():
    assert moment_ms("1h", now_ms=2 * HOUR_MS) == HOUR_MS
    assert moment_ms("2026-09-21T14:13:20", 0) == moment_ms("2026-09-21T16:13:20+02:00", 0) == 1_790_000_000_000
    with pytest.raises(ValueError, match="2026-09-21"):
        moment_ms("yesterday", 0)


def test_a_corrected_summary_is_read_back_as_it_was_sent():
    summary = summarise(TEN, TWO)
    assert WindowSummary.model_validate_json(summary.model_dump_json()) == summary
