"""The keyed operator that scores micro-batches: fetches a bucket's state, calls its Scorer, yields records.

State of a bucket = snapshot of its Scorer + journal of the micro-batches since. The Scorer itself
lives in the operator's memory, loaded once per bucket and restart: a snapshot each time would cost
milliseconds a batch. Replaying the journal gives the same models, because a Scorer's state does not
depend on where batches are cut. Which series a tick of the clock (a frame without readings) finds missing does not
follow from the readings, so it is in the journal as well.

So a batch that raises leaves no trace: the Scorer is loaded again, and the readings are scored one by one
(jobs/operators/quarantine.py).

A snapshot is a map of pages, of which only those are written that have changed (docs/adr/0032). They are read by their
numbers: an iterator over the map would bring all of them in one message.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from pyflink.common import Row, Types
from pyflink.datastream import KeyedProcessFunction, RuntimeContext
from pyflink.datastream.state import ListStateDescriptor, MapStateDescriptor, ValueStateDescriptor

from connectors.gc_tuning import collect_garbage_rarely
from flink import framing
from flink.framing import Frame
from jobs.operators.gathered_verdicts import gathered_verdicts
from jobs.operators.micro_batch import BYTES, micro_batch, scored
from jobs.operators.quarantine import Processing, Quarantine, Quarantined, RecordPositions
from jobs.operators.quarantined_dead_letter import quarantined_dead_letter
from jobs.operators.score_records import ScoreRecords
from jobs.operators.subtask_journal import subtask_journal
from models.detectors import Batch, Scorer, UnreadableState, Verdict
from models.detectors.batch_codec import decode_batch, decode_missing, encode_batch, encode_missing, is_missing
from models.detectors.scorer import BUCKET
from models.detectors.verdict_codec import decode_verdicts, encode_verdicts, has_verdicts
from schemas.limits import MAX_METRICS
from schemas.topics import TELEMETRY_READINGS

log = logging.getLogger(__name__)

DEVICE, PARTITION, OFFSET, RECORD, IS_VERDICT = range(5)
TICK = framing.encode([])

TICK_MS = 10_000
"""Between two ticks of a bucket. A series is missing after 30 s at the earliest."""

COLUMNS = 5
"""Of a reading in a frame: those of the view `bucketed` (jobs/score_anomalies.sql) behind its bucket."""

Scored = tuple[Batch, list[tuple[bytes, bytes]], Sequence[Verdict]]
"""Readings, and key and record of the score of each that is new; and the verdicts that were taken behind them."""


class ScoreFleet(KeyedProcessFunction):
    """Micro-batches of one bucket in, the scores of its new readings out, and dead letters of quarantined ones.

    A verdict on an alert works from the next micro-batch on.

    State that cannot be read (another version, damaged) starts that bucket or its damaged pages cold; it is
    logged and counted in `states_unreadable`, and never raised: a raise would only loop.

    Parameters
    ----------
    make_scorer
        Gives the Scorer of a bucket that has learned nothing.
    snapshot_every
        Micro-batches of a bucket between two snapshots.
    job
        What dead letters name as their stage.
    tick_ms
        How much time a frame without readings stands for.
    """

    def __init__(
        self, make_scorer: Callable[[], Scorer], snapshot_every: int, job: str, tick_ms: int = TICK_MS
    ) -> None:  # fmt: skip
        self._make_scorer = make_scorer
        self._snapshot_every = snapshot_every
        self._job = job
        self._tick_ms = tick_ms

    def open(self, runtime_context: RuntimeContext) -> None:
        collect_garbage_rarely()
        self._pages = runtime_context.get_map_state(MapStateDescriptor("pages", Types.INT(), BYTES))
        self._whole = runtime_context.get_state(ValueStateDescriptor("scorer", BYTES))
        self._journal = runtime_context.get_list_state(ListStateDescriptor("journal", BYTES))
        scorer = self._make_scorer()
        self._records = ScoreRecords(scorer.detector_name, scorer.detector_version)
        metrics = runtime_context.get_metrics_group()
        self._unreadable = metrics.counter("states_unreadable")
        self._replayed = metrics.counter("readings_replayed")
        self._ignored_verdicts = metrics.counter("verdicts_ignored")
        self._over_budget = metrics.counter("alerts_over_budget")
        self._missing = metrics.counter("series_missing")
        self._held_back = metrics.counter("missing_held_back")
        self._scorers: dict[int, Scorer] = {}
        self._n_batches = 0
        self._n_batches_at_tick: dict[int, int] = {}
        self._since_snapshot: dict[int, int] = {}
        processing = Processing(_positions, partial(framing.split, columns=COLUMNS), self._score, self._undo)
        journal = subtask_journal(self._job, "score", runtime_context)
        self._quarantine = Quarantine(journal, processing, metrics.counter("quarantined").inc)

    def close(self) -> None:
        self._quarantine.close()

    def process_element(self, value: bytes, ctx: KeyedProcessFunction.Context) -> Iterator[Row]:
        self._bucket = bucket = ctx.get_current_key()
        if bucket not in self._scorers:
            self._load(bucket)
        if value == TICK:
            yield from self._tick(bucket)
            return
        for done in self._quarantine.run(value):
            if isinstance(done, Quarantined):
                yield Row(True, *scored([self._dead_letter(done)]))
                continue
            batch, records, verdicts = done
            if records:
                self._n_batches += 1
                self._remember(bucket, partial(encode_batch, batch))
                yield Row(False, *scored(records))
            else:
                self._replayed.inc(len(batch))
            if verdicts:
                self._remember(bucket, partial(encode_verdicts, verdicts))

    def _tick(self, bucket: int) -> Iterator[Row]:
        has_arrived = self._n_batches > self._n_batches_at_tick.get(bucket, 0)
        self._n_batches_at_tick[bucket] = self._n_batches
        if not has_arrived and not self._is_one_device():
            return  # nothing for anybody: rather the pipeline stands than all devices
        missing = self._scorers[bucket].tick(self._tick_ms)
        self._held_back.inc(missing.n_held_back)
        if len(missing):
            self._missing.inc(len(missing))
            self._remember(bucket, partial(encode_missing, missing.keys))
            yield Row(False, *scored(self._records.write_missing(missing)))

    def _is_one_device(self) -> bool:
        """Whether this subtask knows no other, of which readings could come."""
        scorers = self._scorers.values()
        if sum(map(len, scorers)) > MAX_METRICS:
            return False
        return len(set[str]().union(*(scorer.devices() for scorer in scorers))) == 1

    def _score(self, frame: bytes) -> Scored:
        columns, scorer = Frame(frame, COLUMNS), self._scorers[self._bucket]
        readings, verdicts, unreadable = gathered_verdicts(columns.fields(RECORD), columns.fields(IS_VERDICT))
        came = micro_batch(readings)
        scores = scorer.step(came.readings)
        self._over_budget.inc(int(scores.over_budget.sum()))
        records = self._records.write(came, scores)
        self._ignored_verdicts.inc(unreadable + len(scorer.follow(verdicts)))
        return came.readings, records, verdicts

    def _undo(self) -> None:
        self._load(self._bucket)

    def _dead_letter(self, done: Quarantined[bytes]) -> tuple[bytes, bytes]:
        frame = Frame(done.batch, COLUMNS)
        return quarantined_dead_letter(done, frame.texts(DEVICE)[0], frame.fields(RECORD)[0] or b"", self._job)

    def _remember(self, bucket: int, encoded: Callable[[], bytes]) -> None:
        self._since_snapshot[bucket] += 1
        if self._since_snapshot[bucket] < self._snapshot_every:
            self._journal.add(encoded())
            return
        for number, page in self._scorers[bucket].changed_pages().items():
            self._pages.put(number, page)
        self._whole.clear()
        self._journal.clear()
        self._since_snapshot[bucket] = 0

    def _load(self, bucket: int) -> None:
        """The bucket's scorer: restored, then the journal replayed. Snapshots of the buckets fall apart in time."""
        journal = list(self._journal.get() or ())
        try:
            self._scorers[bucket] = self._restored(bucket, journal)
            self._since_snapshot[bucket] = len(journal) or bucket * 7 % self._snapshot_every
        except UnreadableState as error:
            self._starts_cold(f"bucket {bucket} starts cold, its state is unreadable: {error}")
            self._scorers[bucket] = self._make_scorer()
            self._pages.clear()
            self._journal.clear()
            self._since_snapshot[bucket] = self._snapshot_every

    def _restored(self, bucket: int, journal: list[Any]) -> Scorer:
        scorer = self._make_scorer()
        whole = self._whole.value()
        if whole is not None:  # in a savepoint of 0.1, which knew no pages
            scorer.restore(bytes(whole))
        elif self._pages.get(BUCKET) is not None:
            errors = scorer.restore_pages(self._page)
            if errors:
                self._starts_cold(f"bucket {bucket} starts cold in part, unreadable pages: {len(errors)}: {errors[0]}")
        for entry in map(bytes, journal):
            if is_missing(entry):
                scorer.learn_missing(decode_missing(entry))
            elif has_verdicts(entry):
                scorer.follow(decode_verdicts(entry))
            else:
                scorer.learn(decode_batch(entry))
        return scorer

    def _page(self, number: int) -> bytes | None:
        page = self._pages.get(number)
        return None if page is None else bytes(page)

    def _starts_cold(self, what: str) -> None:
        log.warning("%s", what, extra={"job": "score_anomalies"})
        self._unreadable.inc()


def _positions(frame: bytes) -> RecordPositions:
    columns = Frame(frame, COLUMNS)
    return RecordPositions(TELEMETRY_READINGS.name, columns.numbers(PARTITION), columns.numbers(OFFSET))
