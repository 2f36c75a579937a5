"""Decodes messages of stateful formats: as telemetry_decoder.py, with what is remembered of their senders. No Flink."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from jobs.operators.sessions import Sessions
from jobs.operators.telemetry_decoder import COMMAND, Decoder, Outcomes, RawMessage, Route, command_item, text
from payload_codecs.codec import Command, Item
from payload_codecs.message import Message
from payload_codecs.valid_reading import ItemPosition
from schemas.device_command import DeviceCommand
from schemas.source import Source
from schemas.sources import Sources
from schemas.topics import TELEMETRY_RAW


class SessionDecoder(Decoder):
    """Decodes the messages of sources whose formats keep state. `Sessions.store` keeps what it changed.

    Parameters
    ----------
    sources
        Those whose formats keep state.
    codec_of
        The codec of a source; called once for each.
    sessions
        Where their state is.
    """

    def __init__(self, sources: Sources, codec_of: Callable[[Source], Any], sessions: Sessions) -> None:
        super().__init__(sources, codec_of)
        self._sessions = sessions
        self._commands: list[tuple[RawMessage, Route, Command]] = []

    def forget_attempt(self) -> None:
        """What was decoded since the last `Sessions.store` did not happen."""
        self._commands.clear()
        self._sessions.forget_attempt()

    def _decoded(self, raw: RawMessage, route: Route, message: Message) -> Sequence[Item]:
        codec: Any = route.codec
        if not hasattr(codec, "new_state"):
            return super()._decoded(raw, route, message)
        key = codec.key(message)
        try:
            found = codec.decode(message, self._sessions.state(route.source.name, codec, key))
        except Exception:
            self._sessions.reset(route.source.name, codec, key)
            raise
        self._commands += [(raw, route, item) for item in found if isinstance(item, Command)]
        return [item for item in found if not isinstance(item, Command)]

    def _further_items(self, outcomes: Outcomes) -> list[tuple[Any, ...]]:
        """The commands of the batch."""
        items = [command_item(raw, _record(raw, route, command)) for raw, route, command in self._commands]
        for _, route, _ in self._commands:
            outcomes[route.source.name, COMMAND] += 1
        self._commands.clear()
        return items


def _record(raw: RawMessage, route: Route, command: Command) -> bytes:
    """The fields of schemas.device_command.DeviceCommand."""
    return msgspec.json.encode(
        {
            "schema_version": DeviceCommand.SCHEMA_VERSION, "device": None if raw.key is None else text(raw.key),
            "topic": command.topic, "payload": command.payload,
            "source": route.source.name, "position": ItemPosition(TELEMETRY_RAW.name, raw.partition, raw.offset),
        }
    )  # fmt: skip
