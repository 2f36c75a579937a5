"""The keyed operator that scores micro-batches: fetches a bucket's state, calls its Scorer, yields records.

State of a bucket = snapshot of its Scorer + journal of the micro-batches since. The Scorer itself
lives in the operator's memory, loaded once per bucket and restart: a snapshot each time would cost
milliseconds a batch. Replaying the journal gives the same models, because a Scorer's state does not
depend on where batches are cut.

So a batch that raises leaves no trace: the Scorer is loaded again, and the readings are scored one by one
(jobs/operators/quarantine.py).
"""

import logging
from collections.abc import Iterator
from functools import partial
from typing import Any

from pyflink.common import Row
from pyflink.datastream import KeyedProcessFunction, RuntimeContext
from pyflink.datastream.state import ListStateDescriptor, ValueStateDescriptor

from connectors.gc_tuning import collect_garbage_rarely
from flink import framing
from flink.framing import Frame
from jobs.operators.micro_batch import BYTES, micro_batch, scored
from jobs.operators.quarantine import Positions, Processing, Quarantine, Quarantined
from jobs.operators.quarantined_dead_letter import quarantined_dead_letter
from jobs.operators.score_records import ScoreRecords
from jobs.operators.subtask_journal import subtask_journal
from models.detectors import Batch, Scorer, UnreadableState
from models.detectors.batch_codec import decode_batch, encode_batch
from schemas.topics import TELEMETRY_READINGS

log = logging.getLogger(__name__)

DEVICE, PARTITION, OFFSET, RECORD = range(4)
COLUMNS = 4
"""Of a reading in a frame: those of the view `bucketed` (jobs/score_anomalies.sql) behind its bucket."""

Scored = tuple[Batch, list[tuple[bytes, bytes]]]
"""Readings, and key and record of the score of each that is new."""


class ScoreFleet(KeyedProcessFunction):
    """Micro-batches of one bucket in, the scores of its new readings out, and dead letters of quarantined ones.

    State that cannot be read (another version, damaged) starts that bucket cold; it is logged and
    counted in `states_unreadable`, and never raised: a raise would only loop.

    Parameters
    ----------
    job
        What dead letters name as their stage.
    """

    def __init__(self, detector: str, snapshot_every: int, job: str) -> None:
        self._detector = detector
        self._snapshot_every = snapshot_every
        self._job = job

    def open(self, runtime_context: RuntimeContext) -> None:
        collect_garbage_rarely()
        self._snapshot = runtime_context.get_state(ValueStateDescriptor("scorer", BYTES))
        self._journal = runtime_context.get_list_state(ListStateDescriptor("journal", BYTES))
        self._records = ScoreRecords(self._detector, Scorer(self._detector).detector_version)
        metrics = runtime_context.get_metrics_group()
        self._unreadable = metrics.counter("states_unreadable")
        self._replayed = metrics.counter("readings_replayed")
        self._scorers: dict[int, Scorer] = {}
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
        for done in self._quarantine.run(value):
            if isinstance(done, Quarantined):
                yield Row(True, *scored([self._dead_letter(done)]))
                continue
            batch, records = done
            if records:
                self._remember(bucket, batch)
                yield Row(False, *scored(records))
            else:
                self._replayed.inc(len(batch))

    def _score(self, frame: bytes) -> Scored:
        came = micro_batch(Frame(frame, COLUMNS).fields(RECORD))
        scores = self._scorers[self._bucket].step(came.readings)
        return came.readings, self._records.write(came, scores)

    def _undo(self) -> None:
        self._load(self._bucket)

    def _dead_letter(self, done: Quarantined[bytes]) -> tuple[bytes, bytes]:
        frame = Frame(done.batch, COLUMNS)
        return quarantined_dead_letter(done, frame.texts(DEVICE)[0], frame.fields(RECORD)[0] or b"", self._job)

    def _remember(self, bucket: int, batch: Batch) -> None:
        self._since_snapshot[bucket] += 1
        if self._since_snapshot[bucket] < self._snapshot_every:
            self._journal.add(encode_batch(batch))
            return
        self._snapshot.update(self._scorers[bucket].snapshot())
        self._journal.clear()
        self._since_snapshot[bucket] = 0

    def _load(self, bucket: int) -> None:
        """The bucket's scorer: restored, then the journal replayed. Snapshots of the buckets fall apart in time."""
        journal = list(self._journal.get() or ())
        try:
            self._scorers[bucket] = self._restored(self._snapshot.value(), journal)
            self._since_snapshot[bucket] = len(journal) or bucket * 7 % self._snapshot_every
        except UnreadableState as error:
            log.warning(
                "bucket %d starts cold, its state is unreadable: %s", bucket, error, extra={"job": "score_anomalies"}
            )
            self._unreadable.inc()
            self._scorers[bucket] = Scorer(self._detector)
            self._journal.clear()
            self._since_snapshot[bucket] = self._snapshot_every

    def _restored(self, snapshot: Any, journal: list[Any]) -> Scorer:
        scorer = Scorer(self._detector)
        if snapshot is not None:
            scorer.restore(bytes(snapshot))
        for entry in journal:
            scorer.learn(decode_batch(bytes(entry)))
        return scorer


def _positions(frame: bytes) -> Positions:
    columns = Frame(frame, COLUMNS)
    return Positions(TELEMETRY_READINGS.name, columns.numbers(PARTITION), columns.numbers(OFFSET))
