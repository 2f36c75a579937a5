"""Up to when everything that was published for the bridge is in Kafka: what begins the period of a lost session."""

MARGIN_MS = 1000
"""What is acknowledged to a device reaches the bridge within it, if the broker has nothing else to send."""


class StoredUntil:
    """Moves on each time that the messages are stored which had been received when the broker had no more.

    Examples
    --------
    >>> until = StoredUntil()
    >>> until.caught_up(received=5, now_ms=10_000)
    >>> until.stored(4); until.time_ms
    0
    >>> until.stored(5); until.time_ms
    9000
    """

    def __init__(self) -> None:
        self.time_ms = 0
        """0: not known yet."""
        self._next: tuple[int, int] | None = None

    def caught_up(self, received: int, now_ms: int) -> None:
        """After `received` messages the broker had no other."""
        if self._next is None:
            self._next = (received, now_ms - MARGIN_MS)

    def stored(self, messages: int) -> None:
        """So many of the messages, in the order of their receipt, are in Kafka."""
        if self._next is not None and messages >= self._next[0]:
            self.time_ms = max(self.time_ms, self._next[1])
            self._next = None
