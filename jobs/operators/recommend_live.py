"""The keyed operator that recommends: fetches a shard's state, calls its LiveShard, writes lists, yields dead letters.

State of a shard = snapshot of its LiveRecommender + journal of the micro-batches since, as in score_fleet.py. A
snapshot is taken when the journal has grown to a size, and not after a number of batches: it is as large as all
histories and all pairs together.

Redis is written inside `process_element`, and a barrier waits for that (docs/adr/0004): after a crash the batches since
the last checkpoint come again, make the same lists with the same times, and overwrite them.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pyflink.common import Row, Types
from pyflink.datastream import KeyedProcessFunction, RuntimeContext
from pyflink.datastream.state import ListStateDescriptor, MapStateDescriptor

from connectors.gc_tuning import collect_garbage_rarely
from flink import framing
from jobs.operators.live_records import live_positions, live_records
from jobs.operators.micro_batch import BYTES, scored
from jobs.operators.model_reloader import ModelReloader
from jobs.operators.quarantine import Processing, Quarantine, Quarantined
from jobs.operators.quarantined_dead_letter import quarantined_dead_letter
from jobs.operators.subtask_journal import subtask_journal
from jobs.settings import JobSettings
from models.recommend.errors import RefusedRecommender
from models.recommend.online.events import LiveRecord
from models.recommend.online.recommender import LearnOutcome, LiveRecommender
from models.recommend.online.shard import LiveShard, Step, journal_entry
from models.recommend.onnx_model import RecommendModel
from models.state_codec import UnreadableState

JOURNAL_BYTES = 8 * 1024 * 1024
"""About 200,000 interactions; a restart replays them in a few seconds."""

PIECE_BYTES = 1024 * 1024
"""Of the snapshot: RocksDB does not like one value of a hundred MB."""

log = logging.getLogger(__name__)


class RecommendLive(KeyedProcessFunction):
    """Micro-batches of interactions and items in, dead letters out; the lists go to Redis.

    State that cannot be read (another version, damaged) starts the shard cold; it is logged and counted in
    `states_unreadable`, and never raised: a raise would only loop.

    Parameters
    ----------
    models, connect
        Called on the worker: the folder of the champion, and the door to Redis for lists of a lifetime in s.
    job
        What dead letters name as their stage.
    """

    def __init__(
        self, settings: JobSettings, models: Callable[[], Path], connect: Callable[[int], Any], job: str
    ) -> None:
        self._settings, self._models, self._connect, self._job = settings, models, connect, job

    def open(self, runtime_context: RuntimeContext) -> None:
        collect_garbage_rarely()
        self._snapshot = runtime_context.get_map_state(MapStateDescriptor("snapshot", Types.INT(), BYTES))
        self._journal = runtime_context.get_list_state(ListStateDescriptor("journal", BYTES))
        self._subtask = runtime_context
        metrics = runtime_context.get_metrics_group()
        names = ("states_unreadable", "lists_written", "models_asked", "passed_over", "quarantined")
        self._counters = {name: metrics.counter(name) for name in names}
        self._outcomes = {outcome: metrics.counter(f"interactions_{outcome.name.lower()}") for outcome in LearnOutcome}
        self._lists = self._connect(self._settings.recommend_lifetime_s)
        self._champion = ModelReloader(self._models(), RecommendModel.load, RefusedRecommender)
        self._shards: dict[int, LiveShard] = {}
        self._journal_bytes: dict[int, int] = {}
        self._quarantines: dict[int, Quarantine[bytes, tuple[bytes, Step]]] = {}

    def close(self) -> None:
        for quarantine in self._quarantines.values():
            quarantine.close()

    def process_element(self, value: bytes, ctx: KeyedProcessFunction.Context) -> Iterator[Row]:
        number = ctx.get_current_key()
        if number not in self._shards:
            self._load(number)
            self._quarantines[number] = self._quarantine(number)
        for done in self._quarantines[number].run(value):
            if isinstance(done, Quarantined):
                (record,) = live_records(done.batch)
                yield scored([quarantined_dead_letter(done, record.key, record.value or b"", self._job)])
                continue
            frame, step = done
            self._remember(number, journal_entry(frame, step.chosen), anew=bool(step.forgotten))
            self._lists.write(step.lists, step.offered, step.forgotten)
            self._count(step)
            if step.refused:
                yield scored([each.dead_letter(self._job) for each in step.refused])

    def _quarantine(self, number: int) -> Quarantine[bytes, tuple[bytes, Step]]:
        """One for each shard: every shard has every record, and what one of them survives may kill another."""
        split = partial(framing.split, columns=len(LiveRecord._fields))
        learn, undo = partial(self._learn, number), partial(self._load, number)
        processing = Processing(live_positions, split, learn, undo)
        journal = subtask_journal(self._job, f"shard-{number}", self._subtask)
        return Quarantine(journal, processing, self._counters["quarantined"].inc)

    def _learn(self, number: int, frame: bytes) -> tuple[bytes, Step]:
        return frame, self._shards[number].step(live_records(frame))

    def _count(self, step: Step) -> None:
        counted = {"lists_written": len(step.lists), "models_asked": len(step.chosen), "passed_over": step.passed_over}
        for name, n in counted.items():
            self._counters[name].inc(n)
        for outcome, n in step.outcomes.items():
            self._outcomes[outcome].inc(n)

    def _remember(self, number: int, entry: bytes, anew: bool) -> None:
        """`anew`: as a snapshot, since the journal holds what is to be forgotten."""
        self._journal_bytes[number] += len(entry)
        if self._journal_bytes[number] < JOURNAL_BYTES and not anew:
            self._journal.add(entry)
            return
        self._journal.clear()
        self._journal_bytes[number] = 0
        snapshot = self._shards[number].live.snapshot()
        self._snapshot.clear()
        for start in range(0, len(snapshot), PIECE_BYTES):
            self._snapshot.put(start // PIECE_BYTES, snapshot[start : start + PIECE_BYTES])

    def _load(self, number: int) -> None:
        """The shard: restored, then the journal replayed, and Redis gets the withdrawn items again."""
        journal = [bytes(entry) for entry in self._journal.get() or ()]
        pieces = dict(self._snapshot.items())
        try:
            shard = self._restored(number, b"".join(bytes(pieces[place]) for place in sorted(pieces)), journal)
            self._journal_bytes[number] = sum(map(len, journal))
        except UnreadableState as error:
            log.warning(
                "shard %d starts cold, its state is unreadable: %s", number, error, extra={"job": "recommend_items"}
            )
            self._counters["states_unreadable"].inc()
            shard = self._new_shard(number)
            self._journal.clear()
            self._snapshot.clear()
            self._journal_bytes[number] = 0
        self._shards[number] = shard
        if number == 0:  # one writer, or an item that is offered again could stay withdrawn
            self._lists.write([], dict.fromkeys(shard.live.withdrawn, False))

    def _restored(self, number: int, snapshot: bytes, journal: Sequence[bytes]) -> LiveShard:
        shard = self._new_shard(number)
        if snapshot:
            shard.live.restore(snapshot)
        for entry in journal:
            shard.replay(entry, live_records)
        return shard

    def _new_shard(self, number: int) -> LiveShard:
        settings = self._settings
        live = LiveRecommender(settings.recommend_users, settings.recommend_items, settings.recommend_history)
        return LiveShard(live, self._champion.get, time.monotonic, number, settings.recommend_shards)
