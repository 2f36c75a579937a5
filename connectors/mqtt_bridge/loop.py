"""The network loop: one thread that owns the MQTT socket, reconnects for ever, and never waits for Kafka."""

import logging
import select
import ssl
import time
from collections.abc import Callable
from typing import Any, Protocol

from connectors.mqtt_bridge.buffered_socket import BufferedSocket
from connectors.mqtt_bridge.session import Session

log = logging.getLogger(__name__)

PACKETS_AT_ONCE = 200
"""Read before acknowledgements are looked at again."""
LOOK_AGAIN_S = 0.005
"""How late a confirmation of Kafka may be seen. No wake-up per message: 200 looks a second cost less."""
IDLE_S = 0.25
FIRST_RETRY_S, MAX_RETRY_S = 0.1, 5.0
HOUSEKEEPING_S = 1.0


class SocketClient(Protocol):
    """The part of paho's client that serves an external event loop."""

    def socket(self) -> BufferedSocket | None: ...
    def reconnect(self) -> Any: ...
    def loop_read(self) -> Any: ...
    def loop_write(self) -> Any: ...
    def loop_misc(self) -> Any: ...
    def want_write(self) -> bool: ...
    def disconnect(self) -> Any: ...


class Work(Protocol):
    """What is done with messages: the Bridge."""

    received: int

    @property
    def in_flight(self) -> int: ...
    @property
    def has_room(self) -> bool: ...
    def acknowledge(self) -> None: ...
    def caught_up(self) -> None: ...


class IdleWork:
    """Before Kafka is there: nothing is taken, so nothing is acknowledged."""

    received = 0
    in_flight = 0
    has_room = True

    def acknowledge(self) -> None:
        pass

    def caught_up(self) -> None:
        pass


class NetworkLoop:
    """Moves packets between the socket and the work."""

    def __init__(self, client: SocketClient, session: Session, monotonic_s: Callable[[], float] = time.monotonic):
        self._client = client
        self._session = session
        self._monotonic_s = monotonic_s
        self._retry_s = FIRST_RETRY_S
        self._next_attempt_s = 0.0
        self._next_housekeeping_s = 0.0
        self.turned_s = monotonic_s()
        """When the loop last went round: an old one means that it hangs."""
        self.every_second: Callable[[], None] = lambda: None
        """Called about so often, also while there is no connection."""

    def run(self, work: Work, until: Callable[[], bool]) -> None:
        """Poll until `until()`. Raises BrokerRefuses, and what the work raises."""
        while not until():
            self.poll_once(work)

    def finish(self, work: Work, within_s: float) -> None:
        """Read no more, acknowledge what Kafka still stores in that time, and leave; the session stays."""
        deadline_s = self._monotonic_s() + within_s
        while work.in_flight and self._session.connected and self._monotonic_s() < deadline_s:
            self.poll_once(work, reading=False)
        self.leave()

    def leave(self) -> None:
        """Disconnect. The broker keeps the session and what is not acknowledged."""
        if self._client.socket() is not None:
            self._client.disconnect()
        for _ in range(100):
            if self._client.socket() is None:
                return
            self._client.loop_write()
            time.sleep(LOOK_AGAIN_S)

    def poll_once(self, work: Work, reading: bool = True) -> None:
        """One turn of the loop: wait for the socket, read, acknowledge, write."""
        self.turned_s = self._monotonic_s()
        if self._client.socket() is None and reading:
            self._connect_when_due()
        if self._is_readable(work, reading):
            self._read(work)
        elif reading and self._session.subscribed:
            work.caught_up()
        self._session.require_accepted()
        work.acknowledge()
        self._write()
        self._housekeeping()

    def _is_readable(self, work: Work, reading: bool) -> bool:
        socket = self._client.socket()
        wait_s = LOOK_AGAIN_S if work.in_flight else IDLE_S
        if socket is None:
            time.sleep(min(wait_s, FIRST_RETRY_S))
            return False
        # Without room only the answer to our connect is read: TCP holds the rest.
        reading = reading and (work.has_room or not self._session.connected)
        if reading and socket.pending:
            return True
        writers = [socket] if socket.unsent or self._client.want_write() else []
        readable, _, _ = select.select([socket] if reading else [], writers, [], wait_s)
        return bool(readable)

    def _read(self, work: Work) -> None:
        for _ in range(PACKETS_AT_ONCE):
            before = work.received
            self._client.loop_read()
            if not work.has_room:
                return
            if work.received == before:
                if self._session.subscribed:
                    work.caught_up()
                return

    def _write(self) -> None:
        if self._client.want_write():
            self._client.loop_write()
        socket = self._client.socket()
        if socket is not None and socket.unsent:
            socket.flush()

    def _connect_when_due(self) -> None:
        if self._monotonic_s() < self._next_attempt_s:
            return
        try:
            self._client.reconnect()
        except ssl.SSLCertVerificationError as error:
            self._session.untrusted(error)
        except OSError as error:
            log.warning("The MQTT broker does not answer: %s. Next attempt in %.1f s.", error, self._retry_s)
        self._next_attempt_s = self._monotonic_s() + self._retry_s
        self._retry_s = min(2 * self._retry_s, MAX_RETRY_S)

    def _housekeeping(self) -> None:
        now_s = self._monotonic_s()
        if now_s < self._next_housekeeping_s:
            return
        self._next_housekeeping_s = now_s + HOUSEKEEPING_S
        self.every_second()
        if self._session.subscribed:
            self._retry_s = FIRST_RETRY_S
        if self._client.socket() is not None:
            self._client.loop_misc()
