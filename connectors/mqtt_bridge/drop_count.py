"""How many messages the MQTT broker has dropped, over restarts of the broker and of the bridge: bookkeeping only."""

import threading
from collections.abc import Callable

from connectors.entrance_records import epoch_ms
from schemas.bridge_session import BridgeSession


class DropCount:
    """Adds up a counter that starts at 0 again with the broker.

    A smaller figure than the last one means that the broker started again, and counts as a whole. What the broker
    drops while no bridge watches is counted by the next figure, unless the broker started again in between: what it
    had dropped before that is then missing, and a counter that has grown past the last figure hides the restart.

    `seen` is called by the thread of the connection, the rest by the bridge's.
    """

    def __init__(self, clock_ms: Callable[[], int] = epoch_ms) -> None:
        self._clock_ms = clock_ms
        self._lock = threading.Lock()
        self._is_started = False
        self._early: list[int] = []
        self.total: int | None = None
        """None: the broker has never said."""
        self.counter: int | None = None
        """The broker's own figure."""
        self.grew_ms: int | None = None

    @property
    def figures(self) -> tuple[int | None, int | None, int | None]:
        """Total, time in ms since the epoch at which it last grew, and the broker's own counter."""
        with self._lock:
            return self.total, self.grew_ms, self.counter

    def start_from(self, found: BridgeSession | None) -> None:
        """Go on from what an earlier bridge wrote down, with what was seen before that was read."""
        with self._lock:
            if found is not None:
                self.total, self.counter = found.broker_dropped, found.broker_counter
                self.grew_ms = found.broker_dropped_at
            self._is_started = True
            early, self._early = self._early, []
            for counter in early:
                self._add(counter)

    def seen(self, counter: int) -> None:
        """The broker says that it has dropped `counter` messages since it started."""
        with self._lock:
            if self._is_started:
                self._add(counter)
            elif len(self._early) > 1 and counter >= self._early[-1]:
                # The first figure tells whether the broker started again; of the others only the last of each run.
                self._early[-1] = counter
            else:
                self._early.append(counter)

    def _add(self, counter: int) -> None:
        before = self.counter if self.counter is not None and counter >= self.counter else 0
        self.counter = counter
        self.total = (self.total or 0) + counter - before
        if counter > before:
            self.grew_ms = self._clock_ms()
