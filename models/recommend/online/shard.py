"""What the operator of a stream keeps: micro-batches in, the lists that changed out.

Every shard learns all interactions and makes the lists of its own users and items. Learning is the cheap part, and
so each shard has the co-visitation of everybody (docs/adr/0021).
"""

import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np

from models.recommend.online.events import ItemAvailability, ItemInteraction, LiveRecord, UserDeletion, read
from models.recommend.online.journal_migrations import JOURNAL_MIGRATIONS
from models.recommend.online.recommender import LearnOutcome, LiveRecommender
from models.state_codec import State, UnreadableState, decode, encode
from schemas.dead_letter import RefusedRecord
from schemas.redis_keys import POPULAR_ITEMS, RECOMMENDATIONS, SIMILAR, TRENDING_ITEMS

SIMILAR_EVERY_MS = 10_000
EVERYBODY_EVERY_S = 1.0

JOURNAL_VERSION = 3
"""Of the layout of `journal_entry`."""

_TIME = b',"generated_at":'


Event = ItemInteraction | ItemAvailability | UserDeletion


class Listed(NamedTuple):
    """A list to be kept for readers: under which key, its JSON, and the time by which it moves forward."""

    key: str
    body: bytes
    generated_at: int


class Chosen(NamedTuple):
    """What a model answered, and at which event of a batch."""

    place: int
    items: list[str]
    model_version: str


class Model(Protocol):
    """A recommender that was trained elsewhere."""

    @property
    def version(self) -> str: ...

    def choose(self, history: Sequence[str]) -> list[str]:
        """A list for a history, the best first; the user is there now."""


@dataclass
class Step:
    """What became of a micro-batch."""

    lists: list[Listed] = field(default_factory=list)
    offered: dict[str, bool] = field(default_factory=dict)
    """Items whose availability was told of."""
    forgotten: list[str] = field(default_factory=list)
    """Users of whom nothing may be kept any more."""
    refused: list[RefusedRecord] = field(default_factory=list)
    outcomes: Counter[LearnOutcome] = field(default_factory=Counter)
    passed_over: int = 0
    chosen: list[Chosen] = field(default_factory=list)


class LiveShard:
    """A LiveRecommender, and the lists of the users and items that are this shard's.

    Parameters
    ----------
    model
        Gives the model to be asked, or None: then there are lists without one.
    now_s
        A clock for what is made once a second; no user's list depends on it.
    """

    def __init__(
        self, live: LiveRecommender, model: Callable[[], Model | None], now_s: Callable[[], float],
        shard: int = 0, shards: int = 1,
    ) -> None:  # fmt: skip
        self.live = live
        self._model, self._now_s = model, now_s
        self._shard, self._shards = shard, shards
        self._similar_ms: dict[str, int] = {}
        self._everybody_s = -EVERYBODY_EVERY_S
        self._written: dict[str, bytes] = {}

    def step(self, records: Sequence[LiveRecord]) -> Step:
        """Learn what a micro-batch holds (`live_events.read`), and make the lists that it changes."""
        found = read(records)
        step = Step(passed_over=found.passed_over, refused=found.refused if self._shard == 0 else [])
        lists = self._follow(found.events, step, self._model())
        step.lists += (listed for user, listed in lists.items() if self._is_news(user, listed))
        step.lists += self._of_items(event.item for event in found.events if isinstance(event, ItemInteraction))
        if self._shard == 0:
            step.lists += self._of_everybody(bool(step.offered))
        else:
            step.offered.clear()
        return step

    def replay(self, entry: bytes, records_of: Callable[[bytes], Sequence[LiveRecord]]) -> None:
        """Learn a batch of the journal; leaves the state that `step` left, whichever model there is now.

        `records_of` reads the batch as it came, and raises ValueError for bytes that are none.

        Raises
        ------
        UnreadableState
        """
        state = decode(entry, "interactions", JOURNAL_VERSION, JOURNAL_MIGRATIONS)
        chosen = {place: Chosen(place, *more) for place, *more in state.values["chosen"]}
        try:
            records = records_of(state.arrays["batch"].tobytes())
        except ValueError as error:
            raise UnreadableState(f"a batch of the journal: {error}") from error
        for place, event in enumerate(read(records).events):
            if not isinstance(event, ItemInteraction):
                self._hear(event)
                continue
            self.live.learn(*event)
            if place in chosen:
                self.live.choose(event.user, *chosen[place][1:])

    def _follow(self, events: Sequence[Event], step: Step, model: Model | None) -> dict[str, Listed]:
        """The list of each user of this shard as of the user's last interaction that counted."""
        needed_from = self._needed_from(events)
        lists: dict[str, Listed] = {}
        for place, event in enumerate(events):
            if not isinstance(event, ItemInteraction):
                self._hear(event)
                if isinstance(event, ItemAvailability):
                    step.offered[event.item] = event.available
                else:
                    step.forgotten.append(event.user)
                    lists.pop(event.user, None)
                continue
            outcome = self.live.learn(*event)
            step.outcomes[outcome] += 1
            user = event.user
            if user not in needed_from or outcome in _UNCOUNTED:
                continue
            if model is not None and self.live.is_due(user, model.version):
                answer = Chosen(place, model.choose(self.live.history_of(user)), model.version)
                self.live.choose(user, *answer[1:])
                step.chosen.append(answer)
            if place >= needed_from[user]:
                # Its time too: before the batch ends, the user may be forgotten for others.
                lists[user] = Listed(RECOMMENDATIONS.key(user), self.live.list_of(user), self.live.updated_ms(user))
        return lists

    def _needed_from(self, events: Sequence[Event]) -> dict[str, int]:
        """For each user of this shard the place of an event that counts for certain, behind which not all may.

        What is newer than all before counts. So no list is made that a later one of the batch replaces, and the last
        one is that of the last interaction that counted, wherever the batch is cut.
        """
        newest_ms: dict[str, int] = {}
        places: dict[str, int] = {}
        for place, event in enumerate(events):
            if not isinstance(event, ItemInteraction):
                continue
            user, time_ms = event.user, event.event_time_ms
            if user not in newest_ms:
                if not self._is_ours(user):
                    continue
                newest_ms[user], places[user] = self.live.newest_ms(user), place
            if time_ms > newest_ms[user]:
                newest_ms[user], places[user] = time_ms, place
        return places

    def _is_ours(self, name: str) -> bool:
        return self._shards == 1 or zlib.crc32(name.encode()) % self._shards == self._shard

    def _hear(self, event: ItemAvailability | UserDeletion) -> None:
        if isinstance(event, UserDeletion):
            self.live.forget(*event)
        else:
            (self.live.offer if event.available else self.live.withdraw)(event.item)

    def _is_news(self, user: str, listed: Listed) -> bool:
        return self.live.is_news(user, hash(listed.body[: listed.body.rindex(_TIME)]))

    def _of_items(self, items: Any) -> list[Listed]:
        """Lists of items that were taken, each at most once in `SIMILAR_EVERY_MS` of Kafka's time."""
        lists, now_ms = [], self.live.clock_ms
        for item in dict.fromkeys(items):
            if self._similar_ms.get(item, 0) + SIMILAR_EVERY_MS <= now_ms and self._is_ours(item):
                body = self.live.similar(item)
                if body is not None:
                    self._similar_ms[item] = now_ms
                    lists.append(Listed(SIMILAR.key(item), body, now_ms))
        if len(self._similar_ms) > 2 * self.live.n_items + 1_000:
            self._similar_ms.clear()
        return lists

    def _of_everybody(self, at_once: bool) -> list[Listed]:
        """Lists for users of whom nothing is known, once a second if they changed, and as soon as an item is gone."""
        if self.live.clock_ms == 0:
            return []  # nothing was taken yet
        if not at_once and self._now_s() - self._everybody_s < EVERYBODY_EVERY_S:
            return []
        self._everybody_s = self._now_s()
        made = {POPULAR_ITEMS.name: self.live.popular(), TRENDING_ITEMS.name: self.live.trending()}
        changed = {key: body for key, body in made.items() if self._written.get(key) != body[: body.rindex(_TIME)]}
        self._written |= {key: body[: body.rindex(_TIME)] for key, body in changed.items()}
        return [Listed(key, body, self.live.clock_ms) for key, body in changed.items()]


_UNCOUNTED = (LearnOutcome.DUPLICATE, LearnOutcome.FORGOTTEN, LearnOutcome.DROPPED)


def journal_entry(batch: bytes, chosen: Sequence[Chosen]) -> bytes:
    """A batch as it came, once it was learned, for `LiveShard.replay`; with a model's answers, not the model."""
    arrays = {"batch": np.frombuffer(batch, np.uint8)}
    return encode(State("interactions", JOURNAL_VERSION, {"chosen": chosen}, arrays))
