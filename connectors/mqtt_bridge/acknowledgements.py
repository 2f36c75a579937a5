"""Which messages may be acknowledged now: pure bookkeeping, no network."""

from collections import deque
from typing import Protocol

from schemas.errors import TerminalError

NOTHING_TO_ACKNOWLEDGE = 0
"""The packet identifier of a QoS 0 message; MQTT never uses it."""


class RecordRefused(TerminalError):
    """Raised where Kafka refuses a record for good. The message behind it was not acknowledged.

    Terminal: a setting of the topic, or a right, has to be changed.
    """


class Confirmation(Protocol):
    """What `send` of a Kafka producer returns: done once the record is stored, or refused."""

    @property
    def is_done(self) -> bool: ...
    @property
    def exception(self) -> BaseException | None: ...


class Acknowledgements:
    """The messages that wait for Kafka, in the order of their receipt.

    MQTT 5 wants PUBACK in the order in which the PUBLISH came [MQTT-4.6.0-2], so only the head run of stored ones is
    released. Packet identifiers mean something on their own connection only: those from before a lost connection
    wait on (they take memory), and are never released.
    """

    def __init__(self) -> None:
        self._waiting: deque[tuple[int, int, Confirmation]] = deque()
        self._of_lost_connections = 0
        self.bytes_waiting = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def received(self, packet_identifier: int, size: int, confirmation: Confirmation) -> None:
        """A message of `size` bytes was handed to Kafka."""
        self._waiting.append((packet_identifier, size, confirmation))
        self.bytes_waiting += size

    def release(self) -> list[int]:
        """Packet identifiers to acknowledge now, in order. Raises RecordRefused at a record that Kafka refused."""
        waiting = self._waiting
        released: list[int] = []
        while waiting and waiting[0][2].is_done:
            packet_identifier, size, confirmation = waiting[0]
            if confirmation.exception is not None:
                raise RecordRefused(
                    str(confirmation.exception) or repr(confirmation.exception)
                ) from confirmation.exception
            waiting.popleft()
            self.bytes_waiting -= size
            if self._of_lost_connections:
                self._of_lost_connections -= 1
            elif packet_identifier != NOTHING_TO_ACKNOWLEDGE:
                released.append(packet_identifier)
        return released

    def connection_lost(self) -> None:
        """The broker sends everything unacknowledged again: what waits now is not to be acknowledged any more."""
        self._of_lost_connections = len(self._waiting)
