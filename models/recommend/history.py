"""What a model is told of a user: what they took, and how long ago the last of it was."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Items = npt.NDArray[np.int64]
"""Items by their number, 0 to `n_items` - 1."""

SESSION_S = 1_800.0
"""A user who was idle for longer has returned: the session's end that web analytics go by."""


class History(NamedTuple):
    """Of one user, up to one moment.

    Parameters
    ----------
    items
        Each once, by its last interaction, the oldest first.
    idle_s
        Seconds since that last interaction; infinite before the first.
    """

    items: Items
    idle_s: float

    @property
    def has_returned(self) -> bool:
        return self.idle_s > SESSION_S


class Histories:
    """Of all users; grows by an interaction at a time, and holds nothing of the time after."""

    def __init__(self, n_users: int) -> None:
        self._items: list[list[int]] = [[] for _ in range(n_users)]
        self._last_s = [-np.inf] * n_users

    def of(self, user: int, now_s: float) -> History:
        """A copy."""
        return History(np.array(self._items[user], np.int64), now_s - self._last_s[user])

    def add(self, user: int, item: int, time_s: float) -> None:
        items = self._items[user]
        if item in items:
            items.remove(item)
        items.append(item)
        self._last_s[user] = time_s
