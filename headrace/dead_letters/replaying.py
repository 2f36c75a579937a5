"""What is to be done with each dead letter, and what was done with all of them."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from headrace.dead_letters.edit import PayloadEdit
from headrace.dead_letters.errors import EditFailed
from headrace.dead_letters.replay_log import ReplayLog
from headrace.dead_letters.replay_producer import PlannedReplay, ReplayProducer
from headrace.dead_letters.replay_target import NotReplayable, ToTopic, replay_target
from headrace.dead_letters.stored_dead_letter import DeadLetterId, StoredDeadLetter
from headrace.dead_letters.validation import PayloadValidation, ValidationProblem

BATCH = 100
"""Dead letters of one transaction: at 256 KiB each 25 MiB wait for Kafka."""

MAX_SHOWN = 20
MAX_REASONS = 100
OTHER_WHYS = "for other reasons"


@dataclass(frozen=True)
class PlannedChange:
    """What would be sent, or was."""

    kept: StoredDeadLetter
    replay: PlannedReplay
    problem: ValidationProblem | None
    """Why the cleaning would refuse it once more."""


@dataclass(frozen=True)
class Choice:
    """How one dead letter is judged.

    Parameters
    ----------
    edit
        Of `fix`; None for a replay of the payload as it is.
    again
        Send also what was sent before.
    """

    log: ReplayLog
    largest_bytes: int
    now_ms: int
    again: bool = False
    as_device: str | None = None
    edit: PayloadEdit | None = None
    validation: PayloadValidation = field(default_factory=PayloadValidation)

    def of(self, kept: StoredDeadLetter) -> PlannedChange | NotReplayable:
        """What is sent, or why nothing is."""
        if (before := self.log.get(kept.id)) and not self.again:
            return NotReplayable(f"it was sent to {before[-1].destination} already; --again sends it once more")
        try:
            edited = None if self.edit is None else self.edit(kept.payload)
        except EditFailed as error:
            return NotReplayable(str(error))
        if edited == kept.payload and self.as_device is None:
            return NotReplayable("the payload is unchanged")
        target = replay_target(kept, self.largest_bytes, edited, self.as_device)
        if isinstance(target, NotReplayable) or kept.dead_letter is None:
            return target if isinstance(target, NotReplayable) else NotReplayable("it cannot be read")
        problem = None
        if isinstance(target, ToTopic):
            problem = self.validation.first_problem(target.value, self.now_ms, target.key, dict(target.headers))
        if problem and edited is not None:
            return NotReplayable(f"edited, it is {problem.reason.value} ({problem.detail})")
        return PlannedChange(
            kept, PlannedReplay(kept.id, target, kept.dead_letter.replays + 1, edited is not None), problem
        )


@dataclass
class ReplayTally:
    """Counts, and the first of each kind."""

    sent: Counter[str] = field(default_factory=Counter)
    """By destination."""
    refused: Counter[str] = field(default_factory=Counter)
    """By why."""
    still_wrong: Counter[str] = field(default_factory=Counter)
    """By the reason for which the cleaning will refuse it again."""
    first_changes: list[PlannedChange] = field(default_factory=list)
    first_refused: list[tuple[DeadLetterId, str]] = field(default_factory=list)

    def add(self, change: PlannedChange) -> None:
        self.sent[change.replay.target.destination] += 1
        if change.problem:
            self.still_wrong[change.problem.reason.value] += 1
        if len(self.first_changes) < MAX_SHOWN:
            self.first_changes.append(change)

    def refuse(self, id_: DeadLetterId, why: str) -> None:
        self.refused[why if why in self.refused or len(self.refused) < MAX_REASONS else OTHER_WHYS] += 1
        if len(self.first_refused) < MAX_SHOWN:
            self.first_refused.append((id_, why))


def rehearse(dead_letters: Iterable[StoredDeadLetter], choice: Choice) -> ReplayTally:
    """What a run would do. Sends nothing."""
    tally = ReplayTally()
    for _ in _changes(dead_letters, choice, tally, tally.add):
        pass
    return tally


def run(dead_letters: Iterable[StoredDeadLetter], choice: Choice, replay_producer: ReplayProducer) -> ReplayTally:
    """Sends what can be sent, BATCH to a transaction. On ReplayFailed, earlier batches are sent and logged."""
    tally = ReplayTally()
    changes = _changes(dead_letters, choice, tally)
    while batch := list(islice(changes, BATCH)):
        for change, refusal in zip(batch, replay_producer.send([each.replay for each in batch]), strict=True):
            if refusal is None:
                tally.add(change)
            else:
                tally.refuse(change.kept.id, f"{change.replay.target.destination} refuses it again: {refusal}")
    return tally


def _changes(
    dead_letters: Iterable[StoredDeadLetter],
    choice: Choice,
    tally: ReplayTally,
    seen: Callable[[PlannedChange], None] | None = None,
) -> Iterator[PlannedChange]:
    for kept in dead_letters:
        judged = choice.of(kept)
        if isinstance(judged, NotReplayable):
            tally.refuse(kept.id, judged.why)
            continue
        if seen:
            seen(judged)
        yield judged
