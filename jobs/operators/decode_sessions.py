"""The keyed operator that decodes messages of stateful formats, such as Sparkplug B."""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from pyflink.common import Row, Types
from pyflink.datastream import KeyedProcessFunction, RuntimeContext
from pyflink.datastream.state import MapStateDescriptor

from connectors.gc_tuning import collect_garbage_rarely
from flink import framing
from jobs.operators.decode_telemetry import OutcomeCounters, message_positions
from jobs.operators.micro_batch import BYTES
from jobs.operators.quarantine import Processing, Quarantine, Quarantined
from jobs.operators.session_decoder import SessionDecoder
from jobs.operators.sessions import Sessions
from jobs.operators.subtask_journal import subtask_journal
from jobs.operators.telemetry_dead_letters import STAGE
from jobs.operators.telemetry_decoder import COLUMNS, Outcomes
from payload_codecs.registry import codec_of
from schemas.source import Source
from schemas.sources import Sources


class DecodeSessions(KeyedProcessFunction):
    """Micro-batches of one bucket of senders in, their items and the commands to them out.

    State that cannot be read starts that sender anew; it is logged and counted in `sessions_unreadable`.

    Parameters
    ----------
    sources
        Those whose formats keep state, each as plain values.
    """

    def __init__(self, sources: Sequence[dict[str, Any]]) -> None:
        self._sources = tuple(sources)

    def open(self, runtime_context: RuntimeContext) -> None:
        collect_garbage_rarely()
        self._sessions = Sessions(
            runtime_context.get_map_state(MapStateDescriptor("definitions", Types.STRING(), BYTES)),
            runtime_context.get_map_state(MapStateDescriptor("progress", Types.STRING(), BYTES)),
        )
        sources = Sources([Source.model_validate(each) for each in self._sources])
        self._decoder = SessionDecoder(sources, codec_of, self._sessions)
        metrics = runtime_context.get_metrics_group()
        self._counters = OutcomeCounters(metrics)
        self._unreadable = metrics.counter("sessions_unreadable")
        self._counted_unreadable = 0
        split = partial(framing.split, columns=COLUMNS)
        processing = Processing(message_positions, split, self._decode, self._decoder.forget_attempt)
        journal = subtask_journal(STAGE, "decode-sessions", runtime_context)
        self._quarantine = Quarantine(journal, processing, metrics.counter("quarantined").inc)

    def close(self) -> None:
        self._quarantine.close()

    def process_element(self, value: bytes, ctx: KeyedProcessFunction.Context) -> Iterator[Row]:
        self._sessions.enter(ctx.get_current_key())
        for done in self._quarantine.run(value):
            outcomes: Outcomes = Counter()
            if isinstance(done, Quarantined):
                frames = [self._decoder.set_aside(done.batch, done.detail, outcomes)]
            else:
                frames, outcomes = done
                self._sessions.store()
            for frame in frames:
                yield Row(frame)
            self._counters.add(outcomes)
        self._unreadable.inc(self._sessions.unreadable - self._counted_unreadable)
        self._counted_unreadable = self._sessions.unreadable

    def _decode(self, frame: bytes) -> tuple[list[bytes], Outcomes]:
        outcomes: Outcomes = Counter()
        return list(self._decoder.decode(frame, outcomes)), outcomes
