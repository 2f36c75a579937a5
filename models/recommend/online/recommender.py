"""Recommendations that follow each interaction: histories, co-visitation and popularity, and a model's lists if any.

What a user's list holds depends on the interactions up to the user's last one, in the order in which they came, and on
nothing else: not on a clock, and not on where batches are cut. So a replay gives the same lists.
"""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import replace
from enum import Enum, auto
from typing import Any, ClassVar

import numpy as np

from models.recommend.history import SESSION_S
from models.recommend.online import list_json
from models.recommend.online.items import REACH, WINDOW, CoVisitWeights, LiveItems
from models.recommend.online.user_log import DUPLICATE, UserLog
from models.state_codec import Migrations, State, decode, encode
from schemas.limits import MAX_LIST_ITEMS

POPULARITY_WEIGHT = 0.1
MODEL_WEIGHT = 0.2
"""Beside 1 for what goes with the last items. Of those tried on MovieLens-100K (docs/how-to/recommend.md)."""

MODEL_ASKED_EVERY = 20
"""Interactions of a user; and when a user comes back after a session's end, or the model is another."""

FORGOTTEN_KEPT_MS = 30 * 24 * 3600 * 1000
"""For how long it is known whom not to learn: longer than an interaction can be in its topic."""

DROPPED_SHARE = 16
"""When there are too many items, one of so many is dropped: those that were taken least of late."""

_BY_RANK = (MODEL_WEIGHT * (1 - np.arange(MAX_LIST_ITEMS) / MAX_LIST_ITEMS)).astype(np.float32)

BY_MODEL, BY_POPULARITY = "chosen by the model", "popular"


class LearnOutcome(Enum):
    """What became of an interaction."""

    NEW = auto()
    LATE = auto()
    """Behind a newer one of its user: put in its place by event time, and counted."""
    DUPLICATE = auto()
    FORGOTTEN = auto()
    """Older than all that is kept of its user, so that nobody can tell whether it is a duplicate: not counted."""
    DROPPED = auto()
    """Of a user who is to be forgotten: not counted."""


class User:
    """What is known of one user."""

    __slots__ = ("asked_before", "chosen", "log", "model_version", "updated_ms", "written")

    def __init__(self) -> None:
        self.log = UserLog()
        self.updated_ms = 0
        self.chosen = array("i")
        self.model_version: str | None = None
        self.asked_before = MODEL_ASKED_EVERY
        self.written = 0

    def is_due(self, model_version: str) -> bool:
        """Whether the model is to be asked for this user."""
        return self.asked_before >= MODEL_ASKED_EVERY or self.model_version != model_version


class LiveRecommender:
    """All that a stream keeps of users and items, as one value.

    Parameters
    ----------
    most_users
        Of more, those who did nothing for longest are forgotten.
    most_items
        Of more, those that were taken least of late are forgotten.
    history
        Interactions that are kept of a user. An item among them is not recommended to this user.

    Examples
    --------
    >>> live = LiveRecommender()
    >>> for n, (user, item) in enumerate([("ann", "tea"), ("ann", "pot"), ("ben", "tea")]):
    ...     arrival = live.learn(user, item, "buy", 1719800000000 + n, 1719800000100 + n)
    >>> live.list_of("ben")
    b'{"items":["pot"],"scores":[1.0],"why":[0],"reasons":["goes with tea"],"model_version":null,\
"generated_at":1719800000102}'
    """

    version: ClassVar[int] = 2
    migrations: ClassVar[Migrations] = {1: lambda state: replace(state, values={**state.values, "forgotten": {}})}

    def __init__(self, most_users: int = 100_000, most_items: int = 5_000, history: int = 100) -> None:
        self._most_users, self._history = most_users, history
        self._most_items = most_items
        self._users: dict[str, User] = {}  # the one who did nothing for longest is the first
        self._items = LiveItems(most_items)
        self._parts = np.zeros((3, 0), np.float32)
        self.withdrawn: set[str] = set()
        self._forgotten_ms: dict[str, int] = {}
        self.clock_ms = 0

    def __len__(self) -> int:
        """Number of users."""
        return len(self._users)

    @property
    def n_items(self) -> int:
        return len(self._items.numbers)

    # ------------------------------------------------------------------ learning

    def learn(self, user: str, item: str, action: str, event_time_ms: int, appended_ms: int) -> LearnOutcome:
        """Learn an interaction that Kafka took at `appended_ms`; what comes again changes nothing."""
        if user in self._forgotten_ms:
            return LearnOutcome.DROPPED
        known = self._users.pop(user, None)
        while len(self._users) >= self._most_users:
            del self._users[next(iter(self._users))]
        if known is None:
            known = User()
        self._users[user] = known
        number = self._number(item)
        log = known.log
        newest_ms = log.times_ms[-1] if len(log) else event_time_ms
        place = log.add(event_time_ms, number, action, self._history)
        if place < 0:
            return LearnOutcome.DUPLICATE if place == DUPLICATE else LearnOutcome.FORGOTTEN
        is_late = place < len(log) - 1
        after = log.after(place, WINDOW) if is_late else ()
        self._items.learn(number, log.before(place, WINDOW), after, event_time_ms)
        known.updated_ms = max(known.updated_ms, appended_ms)
        self.clock_ms = max(self.clock_ms, appended_ms)
        returned = event_time_ms - newest_ms > SESSION_S * 1000
        known.asked_before = MODEL_ASKED_EVERY if returned else known.asked_before + 1
        return LearnOutcome.LATE if is_late else LearnOutcome.NEW

    def _number(self, item: str) -> int:
        number = self._items.numbers.get(item)
        if number is not None:
            return number
        if self._items.is_full:
            self._make_room()
        return self._items.add(item)

    def _make_room(self) -> None:
        too_many = self.n_items - self._most_items  # of a state from before the bound was lowered
        dropped = self._items.least_popular(too_many + max(1, self._most_items // DROPPED_SHARE))
        self._items.drop(dropped)
        is_kept = bytearray(b"\1" * len(self._items.names))
        for number in dropped:
            is_kept[number] = 0
        for user in self._users.values():
            user.log.keep(is_kept)
            user.chosen = array("i", (number for number in user.chosen if is_kept[number]))

    def withdraw(self, item: str) -> None:
        """The item is in no list from now on."""
        self.withdrawn.add(item)

    def offer(self, item: str) -> None:
        """The item may be listed again."""
        self.withdrawn.discard(item)

    def forget(self, user: str, appended_ms: int) -> None:
        """Keep nothing of a user, from now on. What items were taken together says nothing of by whom, and stays."""
        self._users.pop(user, None)
        self._forgotten_ms = {
            each: at_ms for each, at_ms in self._forgotten_ms.items() if at_ms + FORGOTTEN_KEPT_MS > appended_ms
        }
        self._forgotten_ms[user] = appended_ms

    # ------------------------------------------------------------------ a model's lists

    def is_due(self, user: str, model_version: str) -> bool:
        """Whether a model of this version is to be asked for a list for this user."""
        known = self._users.get(user)
        return known is not None and known.is_due(model_version)

    def history_of(self, user: str) -> list[str]:
        """Items that the user took, each once by its last interaction, the oldest first."""
        log = self._users[user].log
        return self._named(log.recent(len(log))[::-1])

    def choose(self, user: str, items: Sequence[str], model_version: str) -> None:
        """Take over a model's list for a user, the best first."""
        known = self._users.get(user)
        if known is None:
            return
        numbers = (self._number_if_room(item) for item in items[:MAX_LIST_ITEMS])
        known.chosen = array("i", (number for number in numbers if number is not None))
        known.model_version, known.asked_before = model_version, 0

    def _number_if_room(self, item: str) -> int | None:
        number = self._items.numbers.get(item)
        return self._items.add(item) if number is None and not self._items.is_full else number

    # ------------------------------------------------------------------ lists

    def newest_ms(self, user: str) -> int:
        """Event time of the user's newest interaction; 0 for a user of whom nothing is known."""
        known = self._users.get(user)
        return known.log.times_ms[-1] if known is not None and len(known.log) else 0

    def updated_ms(self, user: str) -> int:
        """When Kafka took the newest interaction that counts for the user: the time of the user's list."""
        return self._users[user].updated_ms

    def is_news(self, user: str, content: int) -> bool:
        """Whether the user's list had another content the last time; it has this from now on. Not part of the state.

        That of a user of whom nothing is known any more is news.
        """
        known = self._users.get(user)
        if known is None:
            return True
        is_news, known.written = known.written != content, content
        return is_news

    def list_of(self, user: str) -> bytes:
        """The list as JSON of a user who took something.

        Raises
        ------
        KeyError
            For any other.
        """
        known = self._users[user]
        recent = known.log.recent(REACH)
        parts = self._parts_of(known.chosen)
        together = self._items.going_with(recent, parts[0])
        scores = np.add.reduce(parts, axis=0)
        scores[np.frombuffer(known.log.items, np.int32)] = 0
        if self.withdrawn:
            scores[self._withdrawn_numbers()] = 0
        listed = list_json.best(scores)
        why, reasons = self._reasons(recent, together, parts, listed)
        return list_json.text(
            self._named(listed.tolist()), scores[listed], known.updated_ms,
            why=why, reasons=reasons, model_version=known.model_version,
        )  # fmt: skip

    def _parts_of(self, chosen: "array[int]") -> Any:
        """What scores are added up of: a row to be filled in, popularity, a model's list. Shape `(3, room)`."""
        popular = self._items.popular(POPULARITY_WEIGHT)
        if self._parts.shape[1] != len(popular):
            self._parts = np.zeros((3, len(popular)), np.float32)
        parts = self._parts
        parts[1] = popular
        parts[2] = 0
        if chosen:
            parts[2][np.frombuffer(chosen, np.int32)] = _BY_RANK[: len(chosen)]
        return parts

    def _reasons(self, recent: Sequence[int], together: CoVisitWeights, parts: Any, listed: Any) -> Any:
        """For each listed item the index of its reason, and the reasons: the part that gives most of its score."""
        n = len(recent)
        kinds = parts.take(listed, axis=1, mode="clip").argmax(axis=0)
        codes = np.where(kinds == 0, together.nearest(listed), kinds + (n - 1)).tolist()
        distinct = sorted(set(codes))
        places = {code: place for place, code in enumerate(distinct)}
        others = {n: BY_POPULARITY, n + 1: BY_MODEL}
        named = [others.get(code) or f"goes with {self._items.names[recent[code]]}" for code in distinct]
        return [places[code] for code in codes], named

    def popular(self) -> bytes:
        """What everybody takes, for users of whom nothing is known."""
        return self._of_everybody(self._items.popular(), BY_POPULARITY)

    def trending(self) -> bytes:
        """What is taken more in these hours than in its week."""
        return self._of_everybody(self._items.trending(), "trending")

    def similar(self, item: str) -> bytes | None:
        """What goes with an item; None for one of which nothing is known."""
        number = self._items.numbers.get(item)
        if number is None:
            return None
        scores = self._items.similar(number)
        scores[self._withdrawn_numbers()] = 0
        listed = list_json.best(scores)
        return list_json.text(self._named(listed.tolist()), scores[listed], self.clock_ms)

    def _of_everybody(self, scores: Any, reason: str) -> bytes:
        scores = scores.copy()
        scores[self._withdrawn_numbers()] = 0
        listed = list_json.best(scores)
        return list_json.text(
            self._named(listed.tolist()), scores[listed], self.clock_ms,
            why=[0] * len(listed), reasons=[reason], model_version=None,
        )  # fmt: skip

    def _withdrawn_numbers(self) -> list[int]:
        numbers = self._items.numbers
        return [numbers[item] for item in self.withdrawn if item in numbers]

    def _named(self, numbers: Iterable[int]) -> list[str]:
        names = self._items.names
        return [names[number] for number in numbers]  # type: ignore[misc]  # of a known item

    # ------------------------------------------------------------------ state

    def snapshot(self) -> bytes:
        """The whole state, with its version inside; settings are not part of it."""
        users = list(self._users.values())
        versions = sorted({user.model_version for user in users if user.model_version is not None})
        values = {
            "users": list(self._users), "items": self._items.names, "withdrawn": sorted(self.withdrawn),
            "free": list(self._items.free), "versions": versions, "clock_ms": self.clock_ms,
            "forgotten": self._forgotten_ms,
        }  # fmt: skip
        numbers = {version: number for number, version in enumerate(versions)}
        arrays = {
            "lengths": np.array([len(user.log) for user in users], np.int32),
            "times_ms": _joined("q", (user.log.times_ms for user in users)),
            "log_items": _joined("i", (user.log.items for user in users)),
            "actions": _joined("I", (user.log.actions for user in users)),
            "n_chosen": np.array([len(user.chosen) for user in users], np.int32),
            "chosen": _joined("i", (user.chosen for user in users)),
            "model_versions": np.array([numbers.get(user.model_version or "", -1) for user in users], np.int32),
            "asked_before": np.array([user.asked_before for user in users], np.int32),
            "updated_ms": np.array([user.updated_ms for user in users], np.int64),
        }
        return encode(State("recommender", self.version, values, arrays | self._items.arrays()))

    def restore(self, state: bytes) -> None:
        """Become what was frozen.

        Raises
        ------
        UnreadableState
            When `state` is foreign, of another version, or damaged. Start cold with a new LiveRecommender.
        """
        frozen = decode(state, "recommender", self.version, self.migrations)
        values, arrays = frozen.values, dict(frozen.arrays)
        self._items.load(values["items"], values["free"], arrays)
        self.withdrawn, self.clock_ms = set(values["withdrawn"]), values["clock_ms"]
        self._forgotten_ms = dict(values["forgotten"])
        self._users = {}
        log_ends = np.cumsum(arrays["lengths"]).tolist()
        chosen_ends = np.cumsum(arrays["n_chosen"]).tolist()
        columns = (arrays[name].tolist() for name in ("model_versions", "asked_before", "updated_ms"))
        log_start = chosen_start = 0
        for name, log_end, chosen_end, version, asked, updated in zip(
            values["users"], log_ends, chosen_ends, *columns, strict=True
        ):
            user = self._users[name] = User()
            user.log.times_ms = array("q", arrays["times_ms"][log_start:log_end].tobytes())
            user.log.items = array("i", arrays["log_items"][log_start:log_end].tobytes())
            user.log.actions = array("I", arrays["actions"][log_start:log_end].tobytes())
            user.chosen = array("i", arrays["chosen"][chosen_start:chosen_end].tobytes())
            user.model_version = None if version < 0 else values["versions"][version]
            user.asked_before, user.updated_ms = asked, updated
            log_start, chosen_start = log_end, chosen_end


def _joined(kind: str, columns: Iterable["array[int]"]) -> Any:
    return np.frombuffer(b"".join(column.tobytes() for column in columns), np.dtype(kind))
