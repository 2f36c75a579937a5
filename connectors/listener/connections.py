"""What connections of all protocols share: replies that wait for Kafka, in order, and a bound of what waits."""

import asyncio
import logging
import socket
import time
from abc import abstractmethod
from collections import Counter, deque
from collections.abc import Callable
from typing import Any, Final, cast

from connectors.listener.record_intake import Confirmation
from connectors.listener.settings import ListenerSettings

log = logging.getLogger(__name__)

RELEASE_EVERY_S: Final = 0.005
"""How late a confirmation of Kafka may be seen. No wake-up per message: 200 looks a second cost less."""
CLOSED_WITHIN_S: Final = 5.0
"""A peer that does not read its last packet is cut off."""
FOR_EVER: Final = float("inf")
RECORD_BYTES: Final = 1024
"""What a record that waits takes beyond its payload: key, headers, delivery and its entry in librdkafka's queue, 905
to 934 bytes measured. Devices that reconnect again and again while Kafka is away leave many small ones."""

Schedule = Callable[[float, Callable[[], Any]], Any]


class Connections:
    """The connections of a process, and what of them waits for Kafka.

    All methods run on the event loop's thread. Confirmations are looked at, not called back: the producer's thread
    never touches a connection, and replies go out many at a time.

    Parameters
    ----------
    schedule
        `call_later` of the event loop: called while something waits, never while all is quiet.
    poll
        Called before the confirmations are looked at: marks what was stored since.
    """

    def __init__(
        self,
        settings: ListenerSettings,
        schedule: Schedule,
        poll: Callable[[], None] = lambda: None,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings
        self.monotonic_s = monotonic_s
        self.all: set[Connection] = set()
        self.paused: set[Connection] = set()
        self.stopping = False
        self.refused: BaseException | None = None
        """Set once Kafka has refused a record for good: only a restart helps."""
        self.waiting_bytes = 0
        self.received: Counter[str] = Counter()
        self.stored: Counter[str] = Counter()
        self.ended: Counter[str] = Counter()
        """Connections that this server ended, by reason."""
        self._schedule = schedule
        self._poll = poll
        self._busy: set[Connection] = set()
        self._scheduled = False
        self._moved_s = monotonic_s()

    @property
    def waiting(self) -> int:
        """Payloads that wait for Kafka."""
        return sum(len(each.waiting) for each in self._busy)

    @property
    def is_full(self) -> bool:
        """Whether no more is read before Kafka has stored some."""
        return self.waiting_bytes > self.settings.max_waiting_bytes

    @property
    def stalled_s(self) -> float:
        """How long Kafka has stored nothing while something waits."""
        return self.monotonic_s() - self._moved_s if self._busy else 0.0

    def add(self, connection: "Connection") -> bool:
        """False where it is to be closed unread: `ended` counts why.

        Where no more is read each attempt of a device that sends payloads behind CONNECT would exceed the bound, and
        a connection that is not read is not seen to end.
        """
        if self.stopping or self.is_full:
            self.ended["stopping" if self.stopping else "full"] += 1
            return False
        if len(self.all) >= self.settings.max_connections:
            self.ended["too_many"] += 1
            return False
        self.all.add(connection)
        return True

    def remove(self, connection: "Connection") -> None:
        """What it waits for still takes memory, and stays counted until Kafka has it."""
        self.all.discard(connection)
        self.paused.discard(connection)

    def waits(self, connection: "Connection") -> None:
        """Look at its confirmations until there are none."""
        if not self._busy:
            self._moved_s = self.monotonic_s()
        self._busy.add(connection)
        if not self._scheduled:
            self._scheduled = True
            self._schedule(RELEASE_EVERY_S, self._release_and_reschedule)

    def release(self) -> None:
        """Acknowledge what Kafka has stored since, and read on where there is room again."""
        self._poll()
        before = self.waiting_bytes
        idle = [connection for connection in self._busy if not connection.release()]
        self._busy.difference_update(idle)
        if idle or self.waiting_bytes < before:
            self._moved_s = self.monotonic_s()
        if self.paused and not self.is_full:
            for connection in tuple(self.paused):
                connection.update_reading()

    def sweep(self, tokens_changed: bool = False) -> None:
        """End connections that were silent for too long, or that do not close, or of revoked devices. Once a second."""
        now_s = self.monotonic_s()
        for connection in tuple(self.all):
            if connection.closing_since_s is not None:
                if now_s > connection.closing_since_s + CLOSED_WITHIN_S:
                    connection.transport.abort()
            elif tokens_changed and connection.is_revoked():
                connection.end_for("revoked")
            elif connection not in self.paused:
                connection.check_silence(now_s)

    def stop(self) -> None:
        """Read no more; what waits is still acknowledged."""
        self.stopping = True
        for connection in self.all:
            connection.update_reading()

    def end_all(self) -> None:
        for connection in tuple(self.all):
            connection.end_for("stopping")

    def refuse(self, error: BaseException) -> None:
        """Kafka refused a record for good. Its connection ends without an acknowledgement, so nothing is lost."""
        self.refused = self.refused or error

    def _release_and_reschedule(self) -> None:
        self.release()
        self._scheduled = bool(self._busy)
        if self._scheduled:
            self._schedule(RELEASE_EVERY_S, self._release_and_reschedule)


class Connection(asyncio.Protocol):
    """One connection: a transport, and replies that are sent in the order of what they answer."""

    protocol: str
    """Label of its counters."""

    def __init__(self, connections: Connections) -> None:
        self.connections = connections
        self.waiting: deque[tuple[Confirmation | None, int, bytes]] = deque()
        """Each with its size and its reply. Without a confirmation: only its turn is waited for."""
        self.heard_s = connections.monotonic_s()
        self.silence_s = connections.settings.connect_within_s
        self.closing_since_s: float | None = None
        self.transport: asyncio.Transport
        self._write_blocked = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop, as the methods of `asyncio.Protocol` are."""
        self.transport = cast(asyncio.Transport, transport)
        if not self.connections.add(self):
            self.transport.abort()
            return
        peer = transport.get_extra_info("socket")
        if peer is not None:  # a peer that is gone without a word and promised none is found by the system
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def connection_lost(self, error: Exception | None) -> None:
        self.connections.remove(self)

    def pause_writing(self) -> None:
        """The peer does not read its acknowledgements: nothing more is read of it."""
        self._write_blocked = True
        self.update_reading()

    def resume_writing(self) -> None:
        self._write_blocked = False
        self.update_reading()

    def wait(self, confirmation: Confirmation | None, size: int, reply: bytes) -> None:
        """Send `reply` once Kafka has confirmed, and everything before it was replied to."""
        if confirmation is not None:
            size += RECORD_BYTES
        self.waiting.append((confirmation, size, reply))
        self.connections.waiting_bytes += size
        self.connections.waits(self)

    def answer(self, reply: bytes) -> None:
        """Reply without Kafka, in turn."""
        if self.waiting:
            self.wait(None, 0, reply)
        else:
            self.transport.write(reply)

    def release(self) -> bool:
        """Reply to what Kafka has stored since. False where nothing waits any more."""
        waiting, replies, stored = self.waiting, [], 0
        connections = self.connections
        while waiting:
            confirmation, size, reply = waiting[0]
            if confirmation is not None:
                if not confirmation.is_done:
                    break
                if confirmation.exception is not None:
                    self._refused(confirmation.exception)
                    break
                stored += 1
            waiting.popleft()
            connections.waiting_bytes -= size
            if reply:
                replies.append(reply)
        if stored:
            connections.stored[self.protocol] += stored
        if replies:
            self.replied(len(replies))
            if not self.transport.is_closing():
                self.transport.write(b"".join(replies))
        return bool(waiting)

    def replied(self, replies: int) -> None:
        """So many replies went out."""
        return

    def check_silence(self, now_s: float) -> None:
        """Called once a second: end the connection if its peer was silent for too long."""
        if now_s > self.heard_s + self.silence_s:
            self.end_for("silent")

    def pause_if_full(self) -> None:
        """Called behind everything that was read."""
        connections = self.connections
        if connections.is_full or len(self.waiting) > connections.settings.receive_maximum:
            self.update_reading()

    def update_reading(self) -> None:
        """Read or do not, as it stands now."""
        connections = self.connections
        stop = (
            self._write_blocked
            or connections.stopping
            or connections.is_full
            or len(self.waiting) > connections.settings.receive_maximum
        )
        if stop == (self in connections.paused) or self.transport.is_closing():
            return
        if stop:
            connections.paused.add(self)
            self.transport.pause_reading()
        else:
            connections.paused.discard(self)
            self.heard_s = connections.monotonic_s()
            self.transport.resume_reading()

    def close(self, last: bytes = b"") -> None:
        """Send what is left to be said, and close."""
        if self.transport.is_closing():
            return
        if last:
            self.transport.write(last)
        self.closing_since_s = self.connections.monotonic_s()
        self.transport.close()

    @abstractmethod
    def end_for(self, why: str) -> None:
        """End it: `silent`, `revoked`, `stopping`, `not_stored`."""

    def is_revoked(self) -> bool:
        """Whether the device may not be here any more."""
        return False

    def _refused(self, error: BaseException) -> None:
        for _, size, _ in self.waiting:
            self.connections.waiting_bytes -= size
        self.waiting.clear()
        self.connections.refuse(error)
        self.end_for("not_stored")
