"""What the bridge subscribes to, and which copy of a message counts where several subscriptions deliver it.

A broker may deliver a message once for each subscription that it matches [MQTT 5, 3.3.4]; Mosquitto does. Filters
that overlap are therefore subscribed with an identifier [3.8.2.1.2], and of a message's copies the one that carries
the identifier of the first matching filter becomes a record.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

from schemas.errors import TerminalError
from schemas.topic_pattern import TopicPattern

_NUMBER_BITS = 12
_VERSION_BITS = 16
"""Together 28: an identifier is at most 268,435,455."""


class TooManySubscriptions(TerminalError):
    """Raised where more topic filters overlap than identifiers can number. Terminal: the sources need fewer filters."""


@dataclass(frozen=True)
class Subscription:
    """One topic filter as the broker is told it."""

    filter: str
    identifier: int | None
    """None: no other filter matches what this one does."""


class Subscriptions:
    """The topic filters of the sources, in their order.

    Parameters
    ----------
    filters
        Each once.
    share_group
        Name of the MQTT 5 share group, or None.

    Examples
    --------
    >>> [each.filter for each in Subscriptions(["fleet/+/telemetry"], "bridges").all]
    ['$share/bridges/fleet/+/telemetry']
    """

    def __init__(self, filters: Sequence[str], share_group: str | None = None) -> None:
        prefix = f"$share/{share_group}/" if share_group else ""
        # Of two filters that overlap one has a wildcard.
        wild = [each for each in filters if each.endswith("#") or "+" in each]
        pairs = [(each, other) for each in wild for other in filters if each != other and overlap(each, other)]
        found = {each for pair in pairs for each in pair}
        overlapping = [each for each in filters if each in found]
        if len(overlapping) >= 1 << _NUMBER_BITS:
            raise TooManySubscriptions(
                f"{len(overlapping):,} topic filters overlap, over {(1 << _NUMBER_BITS) - 1:,}: use wider filters"
            )
        # The messages that the broker queued for an earlier list of filters carry identifiers of another version.
        self._version = crc32("\n".join(filters).encode()) & ((1 << _VERSION_BITS) - 1)
        numbers = {each: (self._version << _NUMBER_BITS) + number for number, each in enumerate(overlapping, 1)}
        self._identifiers = [(TopicPattern(each), identifier) for each, identifier in numbers.items()]
        self.all = tuple(Subscription(prefix + each, numbers.get(each)) for each in filters)

    @property
    def filters(self) -> tuple[str, ...]:
        """As the broker knows them."""
        return tuple(each.filter for each in self.all)

    def identifier_of(self, topic: str) -> int | None:
        """Of the first filter that matches the topic, if it is one that overlaps others."""
        return next((number for pattern, number in self._identifiers if pattern.match(topic) is not None), None)

    def is_copy(self, identifiers: Sequence[int], counting: int) -> bool:
        """Whether another copy of the message counts.

        A copy without an identifier, or of an earlier list of filters, counts always: for all that is known here it
        is the only one.
        """
        ours = [each for each in identifiers if each >> _NUMBER_BITS == self._version]
        return bool(ours) and len(ours) == len(identifiers) and counting not in ours


def overlap(one: str, other: str) -> bool:
    """Whether a topic matches both filters.

    Examples
    --------
    >>> overlap("a/+/c", "a/b/+"), overlap("a/+", "a/b/c"), overlap("a/#", "a"), overlap("#", "$SYS/x")
    (True, False, True, False)
    """
    ones, others = one.split("/"), other.split("/")
    wild = ("+", "#")
    if (ones[0] in wild and others[0].startswith("$")) or (others[0] in wild and ones[0].startswith("$")):
        return False
    for left, right in zip(ones, others, strict=False):
        if "#" in (left, right):
            return True
        if left != right and "+" not in (left, right):
            return False
    # A final # matches the level above it too [MQTT-4.7.1-2].
    longer, shorter = sorted((ones, others), key=len, reverse=True)
    return longer[len(shorter) :] in ([], ["#"])
