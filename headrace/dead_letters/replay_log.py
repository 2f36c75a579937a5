"""Which dead letters were sent back already: dead-letters.replays, written with the messages that it speaks of."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from headrace.dead_letters.stored_dead_letter import DeadLetterId
from schemas.replay import Replay

ReplayLog = Mapping[DeadLetterId, list[Replay]]
"""The replays of each dead letter, the oldest first."""


def replay_log(records: Iterable[Any], only: Iterable[DeadLetterId] | None = None) -> ReplayLog:
    """From the records of the topic. All of them are held, about 1 kB each, unless `only` names some dead letters."""
    wanted = None if only is None else {str(each) for each in only}
    log: dict[DeadLetterId, list[Replay]] = defaultdict(list)
    for record in records:
        replay = Replay.model_validate_json(record.value)
        if wanted is None or replay.dead_letter in wanted:
            log[DeadLetterId.parse(replay.dead_letter)].append(replay)
    return log
