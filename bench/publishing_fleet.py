"""Devices that publish over MQTT, each with so many messages in flight: for benchmarks, in a process of its own."""

import asyncio
import time

import uvloop

from connectors.mqtt_packets import PacketType, packet, text_field

CONNECT_AT_ONCE = 100


class _Device(asyncio.Protocol):
    """Sends the next message when one is acknowledged."""

    def __init__(self, fleet: "_Fleet", number: int, in_flight: int) -> None:
        self._fleet = fleet
        self._device = f"bench-{number:04d}"
        self._in_flight = in_flight
        self._buffer = b""
        self._identifier = 0
        self.connected = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        connect = text_field("MQTT") + bytes((4, 2, 0, 0)) + text_field(self._device)
        transport.write(packet(PacketType.CONNECT, connect))  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        data = self._buffer + data
        whole = len(data) // 4 * 4  # CONNACK and PUBACK have four bytes each
        self._buffer = data[whole:]
        if not self.connected.done():
            self.connected.set_result(None)
            data, whole = data[4:], whole - 4
        self._publish(self._fleet.acknowledged(whole // 4))

    def begin(self) -> None:
        self._publish(self._fleet.next_messages(self._in_flight))

    def connection_lost(self, error: Exception | None) -> None:
        self._fleet.lose(self._device)

    def _publish(self, messages: range) -> None:
        packets = [self._message(number) for number in messages]
        if packets:
            self._transport.write(b"".join(packets))  # type: ignore[attr-defined]

    def _message(self, number: int) -> bytes:
        self._identifier = self._identifier % 65_535 + 1
        reading = (
            f'{{"metric":"temperature","value":21.4,"unit":"Cel","ts":{time.time_ns() // 1_000_000},"seq":{number}}}'
        )
        topic = text_field(f"fleet/{self._device}/telemetry")
        body = topic + self._identifier.to_bytes(2) + reading.encode().ljust(self._fleet.payload_bytes)
        return packet(PacketType.PUBLISH, body, flags=0b0010)


class _Fleet:
    def __init__(self, messages: int, payload_bytes: int) -> None:
        self.payload_bytes = payload_bytes
        self.done = asyncio.get_running_loop().create_future()
        self._messages, self._sent, self._acknowledged = messages, 0, 0

    def next_messages(self, number: int) -> range:
        first = self._sent
        self._sent = min(self._messages, first + number)
        return range(first, self._sent)

    def acknowledged(self, number: int) -> range:
        self._acknowledged += number
        if self._acknowledged == self._messages and not self.done.done():
            self.done.set_result(None)
        return self.next_messages(number)

    def lose(self, device: str) -> None:
        if not self.done.done():
            self.done.set_exception(ConnectionError(f"the connection of {device} ended"))


def publish(host: str, port: int, messages: int, devices: int, in_flight: int, payload_bytes: int) -> float:
    """Returns the seconds from the first message to the last acknowledgement; connecting is no part of them."""
    return uvloop.run(_publish(host, port, messages, devices, in_flight, payload_bytes))


async def _publish(host: str, port: int, messages: int, devices: int, in_flight: int, payload_bytes: int) -> float:
    loop, fleet = asyncio.get_running_loop(), _Fleet(messages, payload_bytes)
    connected: list[_Device] = []
    for first in range(0, devices, CONNECT_AT_ONCE):
        numbers = range(first, min(devices, first + CONNECT_AT_ONCE))
        made = [loop.create_connection(lambda n=n: _Device(fleet, n, in_flight), host, port) for n in numbers]  # type: ignore[misc]
        connected += [device for _, device in await asyncio.gather(*made)]
        await asyncio.gather(*(device.connected for device in connected))
    began_s = time.perf_counter()
    for device in connected:
        device.begin()
    await fleet.done
    return time.perf_counter() - began_s
