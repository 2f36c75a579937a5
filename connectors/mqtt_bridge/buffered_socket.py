"""paho's client, which reads and writes many packets at once.

paho reads a packet in four system calls, makes three objects with locks of each message, and writes each
acknowledgement in a system call of its own. Here a socket that buffers stands below it, and what comes most often does
not pass through it: a PUBLISH without properties that is whole, and its PUBACK. Everything else is paho's, the session
with its keep-alive above all.
"""

import ssl
import time
from dataclasses import dataclass
from typing import Any, Final, Protocol, cast

from paho.mqtt.client import Client
from paho.mqtt.enums import MQTTErrorCode

from connectors.mqtt_packets import MQTT_5, PUBACK_HEADER, PacketError, PacketType, packet_body, read_publish

READ_BYTES = 64 * 1024
"""Above a TLS record (16 KiB): none of one is left decrypted inside of the socket, where select does not see it."""


_PUBLISH: Final = PacketType.PUBLISH << 4
_MAX_PACKET_BYTES: Final = 2**28 - 1


@dataclass(slots=True)
class Received:
    """A message without properties; the attributes of paho's MQTTMessage that the bridge reads."""

    topic: str
    payload: bytes
    mid: int
    qos: int
    retain: bool
    dup: bool
    properties: Any = None


class Socket(Protocol):
    """A non-blocking socket, with TLS or without."""

    def recv(self, size: int, /) -> bytes: ...
    def send(self, data: bytes | bytearray, /) -> int: ...
    def close(self) -> None: ...
    def fileno(self) -> int: ...
    def setblocking(self, flag: bool, /) -> None: ...


class BufferedSocket:
    """What paho calls SocketLike, plus `pending` and `flush` for the network loop."""

    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        self._read = b""
        self._position = 0
        self._unsent = bytearray()

    @property
    def pending(self) -> int:
        """Bytes that are read already: no select wakes up for them."""
        return len(self._read) - self._position

    @property
    def unsent(self) -> int:
        return len(self._unsent)

    def recv(self, size: int) -> bytes:
        """Up to `size` bytes. Raises BlockingIOError where there are none yet."""
        if self._position >= len(self._read):
            self._read, self._position = self._socket.recv(READ_BYTES), 0
        part = self._read[self._position : self._position + size]
        self._position += len(part)
        return part

    def take_publish(self) -> Received | None:
        """The message that is next, where it is whole and has no properties. None leaves the packet to paho."""
        if not self.pending and not self._fill():
            return None
        data, at = self._read, self._position
        if data[at] & 0xF0 != _PUBLISH:
            return None
        flags = data[at] & 0x0F
        try:
            body = packet_body(data, at, _MAX_PACKET_BYTES)
            if body is None or body[1] > len(data):
                return None
            topic, mid, payload_at = read_publish(data, flags, *body, MQTT_5)
            if payload_at != body[0] + len(topic) + (5 if mid else 3):  # two lengths, an identifier, and properties
                return None
            received = Received(
                topic.decode(), data[payload_at : body[1]], mid, flags >> 1 & 3, bool(flags & 1), bool(flags & 8)
            )
        except (PacketError, UnicodeDecodeError):
            return None
        self._position = body[1]
        return received

    def _fill(self) -> bool:
        """Whether something came. What else there is, an end or an error, shows when paho reads."""
        try:
            self._read, self._position = self._socket.recv(READ_BYTES), 0
        except OSError:
            return False
        return bool(self._read)

    def send(self, data: bytes | bytearray) -> int:
        self._unsent += data
        return len(data)

    def flush(self) -> None:
        """Send what the network takes. A broken connection shows on the next read."""
        try:
            while self._unsent:
                del self._unsent[: self._socket.send(self._unsent)]
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        except OSError:
            self._unsent.clear()

    def close(self) -> None:
        self.flush()
        self._socket.close()

    def fileno(self) -> int:
        return self._socket.fileno()

    def setblocking(self, flag: bool) -> None:
        self._socket.setblocking(flag)


class BufferingClient(Client):
    """paho's client on a BufferedSocket.

    `_create_socket`, `_in_packet` and the times of its keep-alive are private to paho: tests notice when they go.
    """

    _ping_t: float
    _took = _acknowledged = False
    """Since the last `loop_misc`, past paho, which would take the broker for silent."""

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:
        """Handle the next packet, as far as it has come."""
        socket = self.socket()
        on_message = self.on_message
        # Without it nobody takes messages yet: paho drops them without an acknowledgement, and they come again.
        if socket is not None and on_message is not None and not self._in_packet["command"]:  # else paho has a part
            received = socket.take_publish()
            if received is not None:
                self._took = True
                on_message(self, None, received)  # type: ignore[arg-type]  # the bridge needs no more of a message
                return MQTTErrorCode.MQTT_ERR_SUCCESS
        return super().loop_read(max_packets)

    def ack(self, mid: int, qos: int) -> MQTTErrorCode:
        """Acknowledge a message of QoS 1, behind what paho has to send."""
        socket = self.socket()
        if socket is None or qos != 1 or self.want_write():
            return super().ack(mid, qos)
        socket.send(PUBACK_HEADER + mid.to_bytes(2))
        self._acknowledged = True
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def loop_misc(self) -> MQTTErrorCode:
        """Keep the connection alive. Called about once a second."""
        now_s = time.monotonic()
        if self._took:
            self._last_bytes_received, self._took = now_s, False
            if self._ping_t:  # its answer stands behind the messages: the broker is slow, and not gone
                self._ping_t = now_s
        if self._acknowledged:
            self._last_msg_out, self._acknowledged = now_s, False
        return super().loop_misc()

    def _create_socket(self) -> BufferedSocket:
        return BufferedSocket(super()._create_socket())

    def socket(self) -> BufferedSocket | None:
        return cast(BufferedSocket | None, super().socket())
