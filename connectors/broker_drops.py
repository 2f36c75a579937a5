"""What the MQTT broker has dropped, of the two who know: the broker when asked, and the bridges' records."""

from collections.abc import Iterable
from dataclasses import dataclass

from schemas.bridge_session import BridgeSession


@dataclass(frozen=True)
class BrokerDrops:
    """`count` is None where nobody knows, and `last_ms` where nobody knows when (or none were dropped)."""

    count: int | None
    last_ms: int | None = None
    """In ms since the epoch."""

    def some_since(self, time_ms: int) -> bool:
        """Whether messages were dropped, and not known to be all before that."""
        return bool(self.count) and (self.last_ms is None or self.last_ms >= time_ms)


UNKNOWN = BrokerDrops(None)


def broker_drops(asked: int | None, sessions: Iterable[BridgeSession]) -> BrokerDrops:
    """The larger figure: the broker's lasts 60 s and starts at 0 with it, a bridge's has what it was there for.

    Parameters
    ----------
    asked
        The broker's own figure, or None when it does not say.
    sessions
        Each bridge's newest record. All count the same broker, so that they do not add up.
    """
    known = [(each.broker_dropped, each.broker_dropped_at) for each in sessions if each.broker_dropped is not None]
    count, last_ms = max(known, key=lambda each: (each[0], each[1] or 0), default=(None, None))
    if asked is not None and (count is None or asked > count):
        return BrokerDrops(asked)
    return BrokerDrops(count, last_ms)
