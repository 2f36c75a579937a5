"""What one user did with items, by event time: bounded, and enough to tell an interaction that comes again."""

import zlib
from array import array
from bisect import bisect_right
from typing import Final

DUPLICATE: Final = -1
"""The log has this interaction."""

FORGOTTEN: Final = -2
"""Older than all that a full log holds: it may have been there, so it counts no more."""


class UserLog:
    """The last `most` interactions of a user, the oldest first; those of one moment in the order in which they came.

    An interaction is admitted once: either the log still has it, or it is older than the log. So no interaction
    counts twice, however late its copy comes, unless `most` others of the same ms came between.

    Examples
    --------
    >>> log = UserLog()
    >>> [log.add(time, item, "view", most=3) for time, item in ((10, 1), (30, 3), (20, 2), (20, 2))]
    [0, 1, 1, -1]
    >>> list(log.items), log.before(2, 5), log.recent(2)
    ([1, 2, 3], [2, 1], [3, 2])
    >>> log.add(40, 4, "view", most=3), log.add(10, 1, "view", most=3)
    (2, -2)
    """

    __slots__ = ("actions", "items", "times_ms")

    def __init__(self) -> None:
        self.times_ms = array("q")
        self.items = array("i")
        self.actions = array("I")

    def __len__(self) -> int:
        return len(self.items)

    def add(self, time_ms: int, item: int, action: str, most: int) -> int:
        """The place of the interaction in the log, or DUPLICATE, or FORGOTTEN."""
        times_ms, action_hash = self.times_ms, zlib.crc32(action.encode())
        if len(times_ms) > most:
            self._forget(len(times_ms) - most)  # the bound was greater before
        place = len(times_ms)
        if place and time_ms <= times_ms[-1]:
            place = bisect_right(times_ms, time_ms)
            if self._holds(place, time_ms, item, action_hash):
                return DUPLICATE
            if place == 0 and len(times_ms) >= most:
                return FORGOTTEN
        times_ms.insert(place, time_ms)
        self.items.insert(place, item)
        self.actions.insert(place, action_hash)
        if len(times_ms) > most:
            self._forget(1)
            return place - 1
        return place

    def _forget(self, n: int) -> None:
        """The oldest."""
        del self.times_ms[:n], self.items[:n], self.actions[:n]

    def _holds(self, end: int, time_ms: int, item: int, action: int) -> bool:
        place = end - 1
        while place >= 0 and self.times_ms[place] == time_ms:
            if self.items[place] == item and self.actions[place] == action:
                return True
            place -= 1
        return False

    def before(self, place: int, n: int) -> list[int]:
        """At most `n` items in front of a place, each once, the nearest first; of the last `2 * n` that were taken."""
        items = self.items[max(0, place - n) : place]
        found = dict.fromkeys(reversed(items))
        if len(found) < n < place:
            found = dict.fromkeys(reversed(self.items[max(0, place - 2 * n) : place]))
        return list(found)[:n]

    def after(self, place: int, n: int) -> list[int]:
        """The same behind a place."""
        return list(dict.fromkeys(self.items[place + 1 : place + 1 + 2 * n]))[:n]

    def recent(self, n: int) -> list[int]:
        """The last `n` items, each once, the newest first."""
        return self.before(len(self.items), n)

    def keep(self, is_kept: bytearray) -> None:
        """Forgets the interactions with items whose byte, at their number, is 0."""
        kept = [place for place, item in enumerate(self.items) if is_kept[item]]
        self.times_ms = array("q", (self.times_ms[place] for place in kept))
        self.actions = array("I", (self.actions[place] for place in kept))
        self.items = array("i", (self.items[place] for place in kept))
