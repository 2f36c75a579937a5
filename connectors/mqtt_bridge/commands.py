"""Commands to devices: from telemetry.commands to the MQTT broker."""

import logging
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from connectors.kafka.follower import FollowedTopic
from connectors.kafka.log import KafkaLog
from schemas.device_command import DeviceCommand
from schemas.topics import TELEMETRY_COMMANDS, UnreadableRecord, read_record

log = logging.getLogger(__name__)

MAX_AGE_MS = 60_000
"""What is older when the bridge starts is not sent: the format that asked has asked again since."""


class PublishingClient(Protocol):
    """What is needed of paho's client."""

    def publish(self, topic: str, payload: bytes, qos: int) -> Any: ...
    def is_connected(self) -> bool: ...


class CommandPublisher:
    """Publishes commands at QoS 0, as Sparkplug wants its NCMD: one that is lost is asked for again.

    `take` is called by the thread that follows the topic, `publish` by the network loop's.
    """

    def __init__(self, client: PublishingClient) -> None:
        self._client = client
        self._waiting: SimpleQueue[DeviceCommand] = SimpleQueue()
        self.published = 0

    def take(self, records: list[Any]) -> None:
        """Commands of the topic. What is none was written by somebody else, and is logged."""
        for record in records:
            try:
                command = read_record(TELEMETRY_COMMANDS.name, record.value)
            except UnreadableRecord as error:
                position = {"topic": TELEMETRY_COMMANDS.name, "partition": record.partition, "offset": record.offset}
                log.warning("A record is no command: %s", error, extra=position)
                continue
            self._waiting.put(command)  # type: ignore[arg-type]  # the record of this topic

    def publish(self) -> None:
        """Sends what waits, while the broker is there."""
        while self._client.is_connected():
            try:
                command = self._waiting.get_nowait()
            except Empty:
                return
            self._client.publish(command.topic, command.payload, qos=0)
            self.published += 1
            log.info("Sent a command", extra={"device": command.device, "topic": command.topic})


def follow_commands(bootstrap: str, publisher: CommandPublisher, now_ms: int) -> Callable[[], None]:
    """Gives the publisher what is written from now on. Returns what ends that.

    Raises
    ------
    KafkaUnavailable
    MissingTopics
    """
    following = FollowedTopic(
        KafkaLog.connect(bootstrap), TELEMETRY_COMMANDS, publisher.take, since_ms=now_ms - MAX_AGE_MS
    )
    following.start()
    return following.stop
