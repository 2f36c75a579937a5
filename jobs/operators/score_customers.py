"""The operator that scores customers: a micro-batch of rows and usage in, scores and dead letters out; keeps no state.

The model is a folder that `models.champion` names. It is looked for again every second: a version that was promoted
scores from the next batch on. One that cannot be used is said in the log once, and the old one stays.
"""

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import cast

from pyflink.common import Row, Types
from pyflink.datastream import ProcessFunction, RuntimeContext

from connectors.gc_tuning import collect_garbage_rarely
from flink import framing
from flink.framing import Frame
from jobs.operators.micro_batch import BYTES, scored
from jobs.operators.model_reloader import ModelReloader
from jobs.operators.quarantine import Processing, Quarantine, Quarantined, RecordPositions
from jobs.operators.quarantined_dead_letter import quarantined_dead_letter
from jobs.operators.subtask_journal import subtask_journal
from models.champion import NoChampion, champion
from models.churn.customer_batch import CustomerBatch, CustomerBatchColumns
from models.churn.customer_scores import CustomerOutcomes, outcomes
from models.churn.errors import RefusedModel
from models.churn.onnx_model import ChurnModel
from schemas.reject_reasons import RejectReason
from schemas.topics import CUSTOMERS, CUSTOMERS_USAGE

BATCH = Types.ROW([BYTES])
"""A frame of `batch` (jobs/score_churn.sql)."""


class CurrentModel:
    """The champion's model, and the next one once it is promoted. Raises NoChampion, and RefusedModel of the first."""

    def __init__(self, root: Path, now_s: Callable[[], float] = time.monotonic) -> None:
        found = champion(root)
        if found is None:
            raise NoChampion(f"no churn model in {root}. Train one:  headrace churn train DATA.csv --promote")
        self._followed = ModelReloader(root, ChurnModel.load, RefusedModel, now_s)
        self._followed.take(found)

    def get(self) -> ChurnModel:
        return cast(ChurnModel, self._followed.get())


class ScoreCustomers(ProcessFunction):
    """What a micro-batch holds: `models.churn.customer_batch`. What becomes of it: `models.churn.customer_scores`.

    Parameters
    ----------
    models
        Called on the worker: the folder of the champion.
    job
        What dead letters name as their stage.
    """

    def __init__(self, models: Callable[[], Path], job: str) -> None:
        self._models, self._job = models, job

    def open(self, runtime_context: RuntimeContext) -> None:
        collect_garbage_rarely()
        self._current = CurrentModel(self._models())
        processing = Processing(
            _positions, partial(framing.split, columns=len(CustomerBatchColumns._fields)), self._score
        )
        quarantined = runtime_context.get_metrics_group().counter("quarantined")
        self._quarantine = Quarantine(subtask_journal(self._job, "score", runtime_context), processing, quarantined.inc)

    def close(self) -> None:
        self._quarantine.close()

    def process_element(self, value: Row, ctx: ProcessFunction.Context) -> Iterator[Row]:
        for done in self._quarantine.run(value[0]):
            if isinstance(done, Quarantined):
                record = CustomerBatch(_columns(done.batch)).refused(0, RejectReason.QUARANTINED, "", 0)
                yield Row(True, *scored([quarantined_dead_letter(done, record.key, record.original, self._job)]))
            else:
                yield from self._answers(*done)

    def _score(self, frame: bytes) -> tuple[CustomerBatch, CustomerOutcomes]:
        batch = CustomerBatch(_columns(frame))
        return batch, outcomes(self._current.get(), batch)

    def _answers(self, batch: CustomerBatch, found: CustomerOutcomes) -> Iterator[Row]:
        if found.scores:
            yield Row(False, *scored(found.scores))
        if found.unscored:
            now_ms = time.time_ns() // 1_000_000
            refused = (batch.refused(place, *why, now_ms) for place, why in found.unscored.items())
            yield Row(True, *scored([each.dead_letter(self._job) for each in refused]))


def _columns(batch: bytes) -> CustomerBatchColumns:
    """The columns of a micro-batch.

    Raises
    ------
    BadFrame
        When the bytes are not a frame of these columns.
    """
    frame = Frame(batch, len(CustomerBatchColumns._fields))
    usage = frame.numbers(2), frame.numbers(3), frame.fields(4)
    row = frame.numbers(5), frame.numbers(6), frame.fields(7)
    return CustomerBatchColumns(frame.booleans(0), frame.texts(1), *usage, *row)


def _positions(batch: bytes) -> RecordPositions:
    """Of the record that came, which is the row or the usage of what is scored."""
    frame = Frame(batch, len(CustomerBatchColumns._fields))
    sources = zip(frame.booleans(0), *map(frame.numbers, (2, 3, 5, 6)), strict=True)
    places = [
        (CUSTOMERS.name, row_partition, row_offset) if is_row else (CUSTOMERS_USAGE.name, usage_partition, usage_offset)
        for is_row, usage_partition, usage_offset, row_partition, row_offset in sources
    ]
    topics, partitions, offsets = zip(*places, strict=True) if places else ((), (), ())
    return RecordPositions(topics, partitions, offsets)
