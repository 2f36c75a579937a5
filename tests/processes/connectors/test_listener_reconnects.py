"""Devices that reconnect all at once while Kafka is away, on real sockets. Kafka is in memory."""

import asyncio
import contextlib
from collections.abc import Iterable
from pathlib import Path

import pytest
import uvloop

from bench.free_port import free_port
from connectors.entrance_records import epoch_ms
from connectors.listener.connections import RECORD_BYTES, Connections
from connectors.listener.device_tokens import DeviceTokens
from connectors.listener.mqtt_connection import MqttConnection, MqttSessions
from connectors.listener.record_intake import RecordIntake
from connectors.listener.settings import ListenerSettings
from connectors.mqtt_packets import MQTT_5
from schemas.source import DEFAULT_SOURCE
from schemas.sources import Sources
from schemas.topics import TELEMETRY_RAW
from tests.unit.connectors.in_memory import Confirmation, Producer
from tests.unit.connectors.listener_in_memory import connect, publish

CONNACK, PUBACK = 0x20, 0x40
PATIENCE_S = 60
BOUND = 1 << 20
"""The smallest that the settings allow."""


class Kafka(Producer):
    """Stores nothing while it is away, and everything that waits at the next look after that."""

    def __init__(self) -> None:
        super().__init__()
        self.is_away = True
        self._stored = 0
        self.stored: set[bytes] = set()

    def send(self, topic: str, value: bytes, key: bytes | None, headers: list[tuple[str, bytes]]) -> Confirmation:
        assert topic == TELEMETRY_RAW.name
        return super().send(topic, value, key, headers)

    def poll(self) -> None:
        if not self.is_away:
            for sent in self.sent[self._stored :]:
                sent.confirmation.is_done = True
                self.stored.add(sent.value)
            self._stored = len(self.sent)


class Device:
    """Connects, publishes messages with QoS 1, and is cut off or acknowledged."""

    def __init__(self, number: int, messages: int, port: int, pipelines: bool) -> None:
        self.name, self.port, self.pipelines = f"pump-{number}", port, pipelines
        self.payloads = [b"%d.%d" % (number, message) for message in range(messages)]
        self.acknowledged: list[int] = []
        self.writer: asyncio.StreamWriter | None = None

    async def connect(self, dup: bool) -> None:
        self.reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writer = writer
        packets = b"".join(
            publish(payload, f"fleet/{self.name}/telemetry", identifier, dup=dup)
            for identifier, payload in enumerate(self.payloads, 1)
        )
        hello = connect(MQTT_5, client=self.name, clean=False)
        if self.pipelines:
            writer.write(hello + packets)
            return
        writer.write(hello)
        assert await self._packet() == CONNACK
        writer.write(packets)

    def cut_off(self) -> None:
        if self.writer is not None:
            self.writer.transport.abort()

    async def until_acknowledged(self, kafka: Kafka) -> None:
        while len(self.acknowledged) < len(self.payloads):
            if await self._packet() == PUBACK:
                assert self.payloads[self.acknowledged[-1] - 1] in kafka.stored
        self.cut_off()

    async def _packet(self) -> int:
        head = await self.reader.readexactly(2)
        body = await self.reader.readexactly(head[1])
        if head[0] == PUBACK:
            self.acknowledged.append(int.from_bytes(body[:2]))
        return head[0]


class Storm:
    """A listener whose Kafka is away, and devices that are cut off and reconnect, round after round."""

    def __init__(self, folder: Path, devices: int, messages: int, pipelines: bool = False) -> None:
        port = free_port()
        self.settings = ListenerSettings(
            tokens_file=folder / "tokens.jsonl", allow_anonymous=True, mqtt_port=port, max_waiting_bytes=BOUND
        )
        self.kafka = Kafka()
        self.devices = [Device(number, messages, port, pipelines) for number in range(devices)]
        self.peak_bytes = 0

    async def run(self, rounds: int) -> None:
        loop = asyncio.get_running_loop()
        intake = RecordIntake(self.kafka, Sources([DEFAULT_SOURCE]), self.settings.max_payload_bytes, epoch_ms)
        connections = self.connections = Connections(self.settings, loop.call_later, self.kafka.poll)
        tokens, sessions = DeviceTokens(self.settings.tokens_file, True), MqttSessions(connections.monotonic_s)
        server = await loop.create_server(
            lambda: MqttConnection(connections, intake, tokens, sessions),
            "127.0.0.1", self.settings.mqtt_port, backlog=1024,
        )  # fmt: skip
        async with server, asyncio.timeout(PATIENCE_S):
            for number in range(rounds):
                await self._connect_all(dup=number > 0)
            self.kafka.is_away = False
            for device in self.devices:  # one that was let in before the bound was reached may have its connection
                device.cut_off()
            await self._together(self._deliver(device) for device in self.devices)
            while connections.waiting_bytes or connections.all:
                await asyncio.sleep(0.01)

    async def _connect_all(self, dup: bool) -> None:
        """Nobody is acknowledged: those that get no answer to CONNECT are cut off as the others are."""

        async def attempt(device: Device) -> None:
            with contextlib.suppress(TimeoutError, OSError, EOFError):
                async with asyncio.timeout(5):
                    await device.connect(dup)

        await self._together(attempt(device) for device in self.devices)
        for _ in range(20):
            self.peak_bytes = max(self.peak_bytes, self.connections.waiting_bytes)
            await asyncio.sleep(0.005)
        for device in self.devices:
            assert device.acknowledged == []
            device.cut_off()  # the listener notices when it reads again, or when the device is back

    async def _deliver(self, device: Device) -> None:
        while True:
            try:
                await device.connect(dup=True)
                await device.until_acknowledged(self.kafka)
            except (OSError, EOFError):  # there was no room yet
                device.acknowledged = []
                await asyncio.sleep(0.05)
            else:
                return

    @staticmethod
    async def _together(each: Iterable[object]) -> None:
        await asyncio.gather(*each)  # type: ignore[call-overload]


@pytest.mark.parametrize("pipelines", [False, True], ids=["after CONNACK", "with CONNECT"])
def test_devices_that_reconnect_at_once_lose_nothing_acknowledged_and_memory_stays_bounded(
    tmp_path: Path, pipelines: bool
) -> None:
    storm = Storm(tmp_path, devices=200, messages=5, pipelines=pipelines)
    uvloop.run(storm.run(rounds=4))
    for device in storm.devices:
        assert device.acknowledged == [1, 2, 3, 4, 5]
    assert storm.kafka.stored == {payload for device in storm.devices for payload in device.payloads}
    # 4 rounds of 1,000 records would be 4 MiB. Whoever is read when the bound is reached may exceed it with that read.
    one_read = len(storm.devices) * 5 * (RECORD_BYTES + 10)
    assert BOUND < storm.peak_bytes < BOUND + one_read / 4
