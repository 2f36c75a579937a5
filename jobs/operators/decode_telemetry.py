"""The operator that decodes micro-batches of telemetry.raw: hands each to a Decoder and counts what came of it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from pyflink.common import Row, Types
from pyflink.datastream import ProcessFunction, RuntimeContext

from connectors.gc_tuning import collect_garbage_rarely
from flink import framing
from jobs.operators.micro_batch import BYTES
from jobs.operators.quarantine import Processing, Quarantine, Quarantined, RecordPositions
from jobs.operators.subtask_journal import subtask_journal
from jobs.operators.telemetry_dead_letters import STAGE
from jobs.operators.telemetry_decoder import COLUMNS, COMMAND, OFFSET, PARTITION, Decoder, Outcomes
from payload_codecs.registry import stateless_codec_of
from schemas.source import Source
from schemas.sources import Sources
from schemas.topics import TELEMETRY_RAW

GATHERED = Types.ROW([Types.INT(), BYTES])
"""A bucket, which is always the same, and a frame of messages."""

DECODED = Types.ROW_NAMED(["frame"], [BYTES])
"""Items for `flink.micro_batch.scatter`."""


class DecodeTelemetry(ProcessFunction):
    """Micro-batches of messages in, those of their items out.

    Parameters
    ----------
    sources
        Those that are declared and whose formats keep no state, each as plain values.
    """

    def __init__(self, sources: Sequence[dict[str, Any]]) -> None:
        self._sources = tuple(sources)

    def open(self, runtime_context: RuntimeContext) -> None:
        collect_garbage_rarely()
        sources = Sources([Source.model_validate(each) for each in self._sources])
        self._decoder = Decoder(sources, stateless_codec_of)
        metrics = runtime_context.get_metrics_group()
        self._counters = OutcomeCounters(metrics)
        processing = Processing(self._positions, partial(framing.split, columns=COLUMNS), self._decode)
        journal = subtask_journal(STAGE, "decode", runtime_context)
        self._quarantine = Quarantine(journal, processing, metrics.counter("quarantined").inc)

    def close(self) -> None:
        self._quarantine.close()

    def process_element(self, value: Row, ctx: ProcessFunction.Context) -> Iterator[Row]:
        for done in self._quarantine.run(value[1]):
            frames, outcomes = self._set_aside(done) if isinstance(done, Quarantined) else done
            for frame in frames:
                yield Row(frame)
            self._counters.add(outcomes)

    def _positions(self, frame: bytes) -> RecordPositions:
        return RecordPositions(TELEMETRY_RAW.name, *self._decoder.positions(frame))

    def _decode(self, frame: bytes) -> tuple[list[bytes], Outcomes]:
        outcomes: Outcomes = Counter()
        return list(self._decoder.decode(frame, outcomes)), outcomes

    def _set_aside(self, done: Quarantined[bytes]) -> tuple[list[bytes], Outcomes]:
        outcomes: Outcomes = Counter()
        return [self._decoder.set_aside(done.batch, done.detail, outcomes)], outcomes


class OutcomeCounters:
    """Counters `items`, and `outcomes_<outcome>` below each `source`: `reading`, `ignored`, `command`, or a reason.

    Parameters
    ----------
    metrics
        Flink's metric group of the operator.
    """

    def __init__(self, metrics: Any) -> None:
        self._metrics = metrics
        self._items = metrics.counter("items")
        self._counters: dict[tuple[str, str], Any] = {}

    def add(self, outcomes: Outcomes) -> None:
        """Add those of a micro-batch."""
        for (source, outcome), n in outcomes.items():
            self._counter(source, outcome).inc(n)
        self._items.inc(sum(n for (_, outcome), n in outcomes.items() if outcome != COMMAND))

    def _counter(self, source: str, outcome: str) -> Any:
        if (source, outcome) not in self._counters:
            group = self._metrics.add_group("source", source)
            self._counters[source, outcome] = group.counter(f"outcomes_{outcome}")
        return self._counters[source, outcome]


def message_positions(frame: bytes) -> RecordPositions:
    """Where the messages of a frame stand."""
    columns = framing.Frame(frame, COLUMNS)
    return RecordPositions(TELEMETRY_RAW.name, columns.numbers(PARTITION), columns.numbers(OFFSET))
