"""The jobs' operators, but one record kills their worker. In a module of its own: workers import it by its name."""

import contextlib
import os
import signal
import time
from collections.abc import Callable

from jobs.operators.decode_sessions import DecodeSessions
from jobs.operators.decode_telemetry import DecodeTelemetry
from jobs.operators.recommend_live import RecommendLive
from jobs.operators.score_customers import ScoreCustomers
from jobs.operators.score_fleet import ScoreFleet
from jobs.operators.write_to_store import WriteToStore

POISON = b"poisonous"


def _leave() -> None:
    os._exit(3)


def _kill(number: int) -> None:
    """Another thread may take the signal. This one must not go on meanwhile, as it could not after a real fault."""
    os.kill(os.getpid(), number)
    time.sleep(60)


def _segfault() -> None:
    _kill(signal.SIGSEGV)


def _out_of_memory() -> None:
    _kill(signal.SIGKILL)


def _die_of(batch: bytes, death: Callable[[], None]) -> None:
    if POISON in batch:
        death()


class LeavesDecoding(DecodeTelemetry):
    def _decode(self, frame):
        _die_of(frame, _leave)
        return super()._decode(frame)


class SegfaultsDecodingSessions(DecodeSessions):
    def _decode(self, frame):
        decoded = super()._decode(frame)  # the sessions in memory have changed
        _die_of(frame, _segfault)
        return decoded


class SegfaultsScoring(ScoreFleet):
    def _score(self, frame):
        scored = super()._score(frame)
        _die_of(frame, _segfault)
        return scored


class RaisesScoring(ScoreFleet):
    def _score(self, frame):
        scored = super()._score(frame)
        if POISON in frame:
            raise ArithmeticError("behind the step: the scorer has learned the batch")
        return scored


class SegfaultsScoringCustomers(ScoreCustomers):
    def _score(self, frame):
        _die_of(frame, _segfault)
        return super()._score(frame)


class LeavesRecommending(RecommendLive):
    def _learn(self, number, frame):
        learned = super()._learn(number, frame)
        _die_of(frame, _leave)
        return learned


class KilledWriting(WriteToStore):
    def _rows_of(self, records):
        _die_of(b"".join(record or b"" for record in records.values), _out_of_memory)
        return super()._rows_of(records)


class TakesAll:
    """A store's writer that keeps nothing and refuses nothing."""

    def write(self, rows):
        return [None] * len(rows)


def takes_all():
    return TakesAll()


@contextlib.contextmanager
def plain_rows(kafka):
    """Rows without the metadata of devices, which would be read from Kafka."""
    yield lambda: lambda topic, record: record
