"""Items as a stream knows them: which are taken together, how often, and how much of late. Counted as it happens."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from models.recommend.linear_form import Float32s, recency

Arrays = dict[str, npt.NDArray[Any]]

WINDOW, WINDOW_DECAY = 20, 0.9
REACH, DECAY = 10, 0.8
DAMP_FROM, DAMP_TO = 0.7, 0.4
"""Those of `CoVisitation`: window and reach of the pairs, powers of how often an item was taken."""

HOUR_MS, WEEK_MS = 3_600_000.0, 7 * 86_400_000.0
"""In which the two counts of an interaction halve."""

MIN_CAPACITY = 256


class CoVisitWeights(NamedTuple):
    """The last items of a user, and what goes with them: for each a row of the pairs, and its weight.

    Parameters
    ----------
    rows, weights
        Of the last items, the newest first; shapes `(n, room)` and `(n,)`.
    """

    rows: Float32s
    weights: Float32s

    def nearest(self, items: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """With which of the last ones each of some items goes most: its place among them. Shape of `items`."""
        if not len(self.weights):
            return np.zeros(len(items), np.int64)
        # The numbers are known to be right: without "clip" numpy looks at each of them before it takes any.
        weighted = self.rows.take(items, axis=1, mode="clip")
        weighted *= self.weights[:, None]
        nearest: npt.NDArray[np.int64] = weighted.argmax(axis=0)
        return nearest


class LiveItems:
    """Items by number, and what is counted of each. Numbers of items that were dropped are given again.

    Pairs are those of `CoVisitation`; the table is dense and grows with the items: 4 n² bytes, 100 MB at 5,000.
    Popularity halves in a week, and a second count of the same interactions in an hour (forward decay, as
    `DecayedPopularity`). Event times decide, so a replay gives the same counts.

    Parameters
    ----------
    most
        Items that are known at a time.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.names: list[str | None] = []
        self.numbers: dict[str, int] = {}
        self._free: list[int] = []
        self._near_weights = recency(WINDOW, WINDOW_DECAY)[::-1].copy()
        self._recent_weights = recency(REACH, DECAY)[::-1].copy()
        self._origin_ms = self._newest_ms = 0.0
        self._most_taken, self._scale = 0.0, 1.0  # those of `_popular`, unless `_popular_to` is 0: then it is stale
        self._allocate(min(MIN_CAPACITY, most))

    def _allocate(self, room: int) -> None:
        self._room = room
        self._pairs: Float32s = np.zeros((room, room), np.float32)
        self._counts: npt.NDArray[np.int64] = np.zeros(room, np.int64)
        self._from: Float32s = np.ones(room, np.float32)
        self._to: Float32s = np.ones(room, np.float32)
        self._week: npt.NDArray[np.float64] = np.zeros(room)
        self._hour: npt.NDArray[np.float64] = np.zeros(room)
        self._popular: Float32s = np.zeros(room, np.float32)
        self._popular_to = 0.0

    @property
    def is_full(self) -> bool:
        return len(self.numbers) >= self._most

    def add(self, name: str) -> int:
        """The number of a name that has none, while there is room."""
        if self._free:
            number = self._free.pop()
            self.names[number] = name
        else:
            number = len(self.names)
            self.names.append(name)
            if number == self._room:
                self._grow()
        self.numbers[name] = number
        return number

    def _grow(self) -> None:
        before, n = self.arrays(), self._room
        self._allocate(min(2 * n, self._most))
        self._pairs[:n, :n] = before["pairs"]
        self._counts[:n], self._from[:n], self._to[:n] = before["counts"], before["from"], before["to"]
        self._week[:n], self._hour[:n] = before["week"], before["hour"]

    def drop(self, numbers: Sequence[int]) -> None:
        """Forgets items and all that was counted of them."""
        for number in numbers:
            name = self.names[number]
            if name is not None:
                del self.numbers[name]
            self.names[number] = None
        self._free.extend(numbers)
        self._pairs[numbers] = 0
        self._pairs[:, numbers] = 0
        self._week[numbers] = self._hour[numbers] = 0
        self._popular_to = 0.0
        self._counts[numbers] = 0
        self._from[numbers] = self._to[numbers] = 1

    def least_popular(self, n: int) -> list[int]:
        """Numbers of the `n` that were taken least of late."""
        known = np.fromiter(self.numbers.values(), np.int64, len(self.numbers))
        order = np.argsort(self._week[known], kind="stable")
        return [int(number) for number in known[order[:n]]]

    def learn(self, item: int, before: Sequence[int], after: Sequence[int], time_ms: int) -> None:
        """An item was taken, `before` and `after` of it these, the nearest first; `after` only if it comes late."""
        for near in (before, after):
            if near:
                self._pair(item, near)
        count = self._counts[item] = int(self._counts[item]) + 1
        self._from[item] = (1.0 + count) ** -DAMP_FROM
        self._to[item] = (1.0 + count) ** -DAMP_TO
        ahead_ms = time_ms - self._origin_ms
        if ahead_ms > WEEK_MS:
            self._move_origin(time_ms, ahead_ms)
            ahead_ms = 0.0
        self._newest_ms = max(self._newest_ms, time_ms)
        week = self._week[item] = float(self._week[item]) + 2.0 ** (ahead_ms / WEEK_MS)
        self._hour[item] += 2.0 ** (ahead_ms / HOUR_MS)
        if week > self._most_taken:
            self._popular_to = 0.0
        else:
            self._popular[item] = week * self._scale

    def _pair(self, item: int, near: Sequence[int]) -> None:
        others = np.array(near)
        weights = self._near_weights[: len(others)]
        if item in near:
            kept = others != item
            others, weights = others[kept], weights[kept]
        # Views first: numpy adds to a line at half the cost of adding to places in a table.
        row, column = self._pairs[item], self._pairs[:, item]
        row[others] += weights
        column[others] += weights

    def _move_origin(self, time_ms: int, ahead_ms: float) -> None:
        """Divides the counts before the weight of a new interaction is too large for them."""
        self._popular_to = 0.0
        self._week *= 2.0 ** -(ahead_ms / WEEK_MS)
        self._hour *= 2.0 ** -(ahead_ms / HOUR_MS)
        self._origin_ms = float(time_ms)

    def going_with(self, recent: Sequence[int], scores: Float32s) -> CoVisitWeights:
        """Fills in how well each item goes with the recent ones, the newest first: the best 1, unless all are 0.

        `scores` has the shape `(room,)`.
        """
        places = np.array(recent, np.int64)
        weights = self._recent_weights[: len(recent)] * self._from.take(places)
        rows = self._pairs.take(places, axis=0)
        np.dot(weights, rows, out=scores)
        scores *= self._to
        largest = float(np.maximum.reduce(scores))
        if largest > 0:
            scores *= np.float32(1 / largest)
        return CoVisitWeights(rows, weights)

    def similar(self, item: int) -> Float32s:
        """How well each item goes with one. Shape `(room,)`."""
        scores: Float32s = self._pairs[item] * self._to
        return scores

    def popular(self, largest: float = 1.0) -> Float32s:
        """Decayed counts of each item, scaled so that the greatest is `largest`. Shape `(room,)`.

        Kept up with each interaction, and so not to be written to, nor to be kept.
        """
        if self._popular_to != largest:
            self._most_taken = float(np.maximum.reduce(self._week))
            self._scale = largest / self._most_taken if self._most_taken > 0 else 1.0
            np.multiply(self._week, self._scale, out=self._popular, casting="same_kind")
            self._popular_to = largest
        return self._popular

    def trending(self) -> Float32s:
        """How much more each was taken in the last hours than its week makes expect; 0 or less: no more."""
        passed_ms = self._newest_ms - self._origin_ms
        hour, week = (2.0 ** -(passed_ms / half_life_ms) for half_life_ms in (HOUR_MS, WEEK_MS))
        trending: Float32s = (self._hour * hour - self._week * (week * HOUR_MS / WEEK_MS)).astype(np.float32)
        return trending

    def arrays(self) -> Arrays:
        """What was counted."""
        return {
            "pairs": self._pairs, "counts": self._counts, "from": self._from, "to": self._to,
            "week": self._week, "hour": self._hour, "times_ms_of_counts": np.array([self._origin_ms, self._newest_ms]),
        }  # fmt: skip

    def load(self, names: Sequence[str | None], free: Sequence[int], arrays: Arrays) -> None:
        """Become what the snapshot holds; room and all, since sums of other lengths end in other last bits."""
        self.names, self._free = list(names), list(free)
        self.numbers = {name: number for number, name in enumerate(names) if name is not None}
        self._pairs, self._counts = arrays["pairs"], arrays["counts"]
        self._week, self._hour = arrays["week"], arrays["hour"]
        self._from, self._to = arrays["from"], arrays["to"]
        self._room = len(self._pairs)
        self._popular, self._popular_to = np.zeros(self._room, np.float32), 0.0
        self._origin_ms, self._newest_ms = arrays["times_ms_of_counts"].tolist()

    @property
    def free(self) -> Sequence[int]:
        """Numbers to be given again, the last first."""
        return self._free
