"""One run of the correction: late readings in, corrected windows out, and only then the offsets."""

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from headrace.late_data.decision import Horizon, StoredWindow, Verdict, judge
from headrace.late_data.late_topic import LateBatch, LateRecord, MalformedRecord
from headrace.late_data.summary import Window, windows_of
from schemas.window_summary import WindowSummary

SHOWN = 1000
"""Changes and malformed records that a result names; the counts are whole."""


class Late(Protocol):
    """headrace.late_data.late_topic.LateTopic."""

    def batches(self, since_ms: int | None = None) -> Iterator[LateBatch]: ...
    def commit(self, offsets: Mapping[int, int]) -> None: ...


class WindowReader(Protocol):
    """headrace.late_data.influxdb_windows.StoredWindows."""

    def oldest_kept_ms(self, now_ms: int) -> int: ...
    def of(self, windows: Sequence[Window]) -> Iterator[StoredWindow]: ...


class Store(Protocol):
    """headrace.late_data.store_progress.StoreProgress."""

    def fence(self) -> dict[int, int]: ...
    def passes(self, fence: Mapping[int, int], within_s: float) -> bool: ...


class WindowWriter(Protocol):
    """headrace.late_data.window_topic.WindowTopic."""

    def newest_end_ms(self) -> int: ...
    def send(self, summaries: Sequence[WindowSummary]) -> None: ...


@dataclass(frozen=True)
class WindowChange:
    """A window before and after; `before` is None where all of its readings came late."""

    before: WindowSummary | None
    after: WindowSummary

    def as_json(self) -> dict[str, Any]:
        return {"before": self.before and self.before.model_dump(), "after": self.after.model_dump()}


@dataclass
class CorrectionResult:
    """What a run did. Counts of windows by verdict, of late readings otherwise."""

    late: int = 0
    left: int = 0
    """For the next run: the store has not written them yet, or their window has not closed."""
    not_stored: int = 0
    """InfluxDB refused them, or they were deleted from it."""
    malformed: int = 0
    windows: Counter[Verdict] = field(default_factory=Counter)
    changes: list[WindowChange] = field(default_factory=list)
    malformed_records: list[MalformedRecord] = field(default_factory=list)

    @property
    def corrected(self) -> int:
        return self.windows[Verdict.CORRECTED]

    def as_json(self) -> dict[str, Any]:
        return {
            "late": self.late,
            "left": self.left,
            "not_stored": self.not_stored,
            "malformed": self.malformed,
            "windows": {verdict.name.lower(): self.windows[verdict] for verdict in Verdict},
            "changes": [each.as_json() for each in self.changes],
            "malformed_records": [str(each) for each in self.malformed_records],
        }


class Correction:
    """Corrects what stands in telemetry.late. Repeatable: a killed run repeats its work to the same effect."""

    def __init__(self, late: Late, influxdb: WindowReader, store: Store, windows: WindowWriter) -> None:
        self._late = late
        self._influxdb = influxdb
        self._store = store
        self._windows = windows

    def run(self, *, since_ms: int | None = None, dry_run: bool = False, wait_s: float = 30.0) -> CorrectionResult:
        """Correct the windows of the late readings since the last run.

        With `since_ms` those that came since then, and the group's offsets stay where they are; with `dry_run`
        nothing is sent. The store is waited for `wait_s` for each batch.

        Raises
        ------
        KafkaClientError
        StoreError
            Where Kafka or InfluxDB does not answer.
        """
        result, held = CorrectionResult(), dict[int, int]()
        for batch in self._late.batches(since_ms):
            self._note(batch, result)
            for partition, offset in self._correct(batch, result, dry_run, wait_s).items():
                held.setdefault(partition, offset)
            if since_ms is None and not dry_run:
                self._late.commit(batch.next_offsets | held)
        return result

    def _note(self, batch: LateBatch, result: CorrectionResult) -> None:
        result.late += len(batch.records)
        result.malformed += len(batch.malformed)
        result.malformed_records += batch.malformed[: SHOWN - len(result.malformed_records)]

    def _correct(self, batch: LateBatch, result: CorrectionResult, dry_run: bool, wait_s: float) -> dict[int, int]:
        """Partition -> offset of the first late reading that is left for the next run."""
        if not batch.records:
            return {}
        # In this order: what had closed before the fence has all of its readings in front of it.
        closed = self._windows.newest_end_ms()
        if not self._store.passes(self._store.fence(), wait_s):
            result.left += len(batch.records)
            return _first_offsets(batch.records)
        records = _by_window(batch.records)
        corrected, left = self._judge(records, closed, result)
        if not dry_run:
            self._windows.send(corrected)
        result.left += len(left)
        return _first_offsets(left)

    def _judge(
        self, records: Mapping[Window, Sequence[LateRecord]], closed: int, result: CorrectionResult
    ) -> tuple[list[WindowSummary], set[LateRecord]]:
        """The corrected windows, and the late readings of those that have not closed."""
        horizon = Horizon(closed, self._influxdb.oldest_kept_ms(time.time_ns() // 1_000_000))
        corrected, left, not_stored = [], set[LateRecord](), set[LateRecord]()
        for stored in self._influxdb.of(list(records)):
            late = records[stored.window]
            verdict, summary = judge(stored, _watermarks(late), horizon)
            result.windows[verdict] += 1
            if summary:
                corrected.append(summary)
                result.changes += [WindowChange(stored.point, summary)] * (len(result.changes) < SHOWN)
            if verdict is Verdict.OPEN:
                left.update(late)
            elif verdict is not Verdict.EXPIRED:
                not_stored.update(each for each in late if each.reading.event_time not in stored.readings)
        result.not_stored += len(not_stored - left)
        return corrected, left


def _watermarks(late: Sequence[LateRecord]) -> dict[int, int]:
    """Event time of each late reading -> the watermark that it met."""
    return {each.reading.event_time: each.reading.event_time + each.reading.late_by_ms for each in late}


def _first_offsets(records: Iterable[LateRecord]) -> dict[int, int]:
    first: dict[int, int] = {}
    for each in records:
        first[each.partition] = min(each.offset, first.get(each.partition, each.offset))
    return first


def _by_window(records: Sequence[LateRecord]) -> dict[Window, list[LateRecord]]:
    found: dict[Window, list[LateRecord]] = defaultdict(list)
    for record in records:
        reading = record.reading
        for window in windows_of(reading.device, reading.metric, reading.event_time):
            found[window].append(record)
    return found
