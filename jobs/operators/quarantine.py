"""Processes micro-batches so that one record cannot stop a job: the one that fails three times in a row is set aside.

A batch that fails, by an exception or because it took the worker along, makes its records suspects. A batch with a
suspect is processed one record at a time, so that the next failure names the record. A suspect that passes is none any
more: whoever else killed the worker is no record's fault. What fails for the third time is not processed but
`Quarantined`, for the operator to make a dead letter of (docs/adr/0030).

A HeadraceError is never a record's fault: a store is unavailable, a model is missing. It is raised, and counts nothing.
"""

import logging
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from jobs.operators.attempt_journal import AttemptJournal, Failures, RecordPosition
from schemas.errors import HeadraceError

log = logging.getLogger(__name__)

ATTEMPTS = 3

MAX_QUARANTINED = 100
"""Of a subtask in the time in which failures are remembered. A fault that many records meet is one of the code: the job
fails on the next, instead of setting aside the whole stream."""

MAX_TRACEBACK_LENGTH = 4000
"""Characters: the last ones, which have the exception."""

FAULTS = (Exception, SystemExit)
"""What an attempt may end with that can be the record's fault; a library that exits on it takes nobody along."""

Batch = TypeVar("Batch")
Result = TypeVar("Result")


@dataclass(frozen=True)
class RecordPositions:
    """Of the records of a batch. `topics`: one of all of them, or one of each."""

    topics: str | Sequence[str]
    partitions: Sequence[int]
    offsets: Sequence[int]

    def each(self) -> Iterator[RecordPosition]:
        topics = [self.topics] * len(self.offsets) if isinstance(self.topics, str) else self.topics
        return map(RecordPosition, topics, self.partitions, self.offsets)


@dataclass(frozen=True)
class Quarantined(Generic[Batch]):
    """A record that is not processed, as a batch of its own, and what its last attempt ended with."""

    batch: Batch
    position: RecordPosition
    detail: str


@dataclass(frozen=True)
class Processing(Generic[Batch, Result]):
    """What an operator does with a batch.

    Parameters
    ----------
    positions
        Where its records stand.
    split
        A batch of each of its records, in their order.
    attempt
        Processes it. It touches no state of Flink's: what that raises is no record's fault.
    undo
        Called when `attempt` has raised: leaves what it keeps as it was before the attempt.
    """

    positions: Callable[[Batch], RecordPositions]
    split: Callable[[Batch], Sequence[Batch]]
    attempt: Callable[[Batch], Result]
    undo: Callable[[], None] = lambda: None


class Quarantine(Generic[Batch, Result]):
    """One for each operator of a subtask.

    Parameters
    ----------
    on_quarantine
        Called for each record that is set aside, to count it.
    """

    def __init__(
        self, journal: AttemptJournal, processing: Processing[Batch, Result],
        on_quarantine: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        self._journal, self._do, self._on_quarantine = journal, processing, on_quarantine
        self._failures = journal.open()

    def run(self, batch: Batch) -> Iterator[Result | Quarantined[Batch]]:
        """What becomes of the batch, in the order of its records.

        The next part is processed when the generator is asked for it: an operator keeps the state of the one before.
        """
        positions = self._do.positions(batch)
        if not self._has_suspects(positions):
            try:
                result = self._attempt(batch, positions)
            except HeadraceError:
                raise
            except FAULTS as error:
                self._suspect(positions, error)
            else:
                yield result
                return
        for position, single in zip(positions.each(), self._do.split(batch), strict=True):
            yield self._alone(single, position)
        self._journal.remember(self._failures)

    def close(self) -> None:
        self._journal.close()

    def _has_suspects(self, positions: RecordPositions) -> bool:
        # Offsets first, in C: what is set aside stays known for as long as the worker runs.
        offsets = {position.offset for position in self._failures}
        return not offsets.isdisjoint(positions.offsets) and not self._failures.keys().isdisjoint(positions.each())

    def _alone(self, single: Batch, position: RecordPosition) -> Result | Quarantined[Batch]:
        """A record by itself, until it passes or is set aside."""
        while not self._is_out_of_attempts(position):
            try:
                result = self._attempt(
                    single, RecordPositions([position.topic], [position.partition], [position.offset])
                )
            except HeadraceError:
                raise
            except FAULTS as error:
                self._failed(position, _text(error))
                self._journal.remember(self._failures)
                self._do.undo()
                if self._is_full(position):
                    raise
            else:
                self._failures.pop(position, None)
                return result
        self._on_quarantine()
        log.error(
            "quarantined %s[%d]@%d: %s",
            *position,
            self._failures[position].error,
            extra={"topic": position.topic, "partition": position.partition, "offset": position.offset},
        )
        return Quarantined(single, position, self._failures[position].error)

    def _attempt(self, batch: Batch, positions: RecordPositions) -> Result:
        self._journal.note(positions.topics, positions.partitions, positions.offsets)
        try:
            return self._do.attempt(batch)
        finally:
            self._journal.clear()  # not when the worker dies, which is the point

    def _suspect(self, positions: RecordPositions, error: BaseException) -> None:
        for position in positions.each():
            self._failed(position, f"{type(error).__name__} in a batch of {len(positions.offsets):,} records")
        self._do.undo()

    def _failed(self, position: RecordPosition, error: str) -> None:
        self._failures[position] = self._journal.failed_once_more(self._failures.get(position), error)

    def _is_out_of_attempts(self, position: RecordPosition) -> bool:
        return self._count(position) >= ATTEMPTS and not self._is_full(position)

    def _is_full(self, position: RecordPosition) -> bool:
        """No room for it among those that are set aside."""
        others = sum(each.count >= ATTEMPTS for known, each in self._failures.items() if known != position)
        return self._count(position) >= ATTEMPTS and others >= MAX_QUARANTINED

    def _count(self, position: RecordPosition) -> int:
        found: Failures | None = self._failures.get(position)
        return found.count if found else 0


def _text(error: BaseException) -> str:
    text = "".join(traceback.format_exception(error))[-MAX_TRACEBACK_LENGTH:]
    return text.encode("utf-8", "backslashreplace").decode()
