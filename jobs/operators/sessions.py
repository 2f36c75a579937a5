"""What stateful payload formats remember of their senders: in the worker's memory, and in keyed state. No Flink."""

import logging
from typing import Any, NamedTuple, Protocol

from jobs.names import CLEAN_TELEMETRY
from payload_codecs.codec import CodecState, StatefulCodec, StateSnapshot, UnreadableCodecState

log = logging.getLogger(__name__)


class ByteMap(Protocol):
    """A map in keyed state: what `MapState` of Flink has."""

    def get(self, key: str) -> bytes | None: ...

    def put(self, key: str, value: bytes) -> None: ...


class _Sender(NamedTuple):
    bucket: int
    source: str
    key: str

    @property
    def state_key(self) -> str:
        return f"{self.source}\0{self.key}"


class _Session:
    __slots__ = ("codec", "state", "stored_revision")

    def __init__(self, codec: StatefulCodec[Any], state: CodecState, stored_revision: int | None) -> None:
        self.codec = codec
        self.state = state
        self.stored_revision = stored_revision
        """Of the definitions that the keyed state has; None: it has none of them."""


class Sessions:
    """The sessions of all buckets of one operator.

    Definitions are large and written only when they change; progress is small and written after each micro-batch.

    Parameters
    ----------
    definitions, progress
        Both parts of a snapshot, by source and sender, in the state of the current bucket.
    """

    def __init__(self, definitions: ByteMap, progress: ByteMap) -> None:
        self._definitions = definitions
        self._progress = progress
        self._sessions: dict[_Sender, _Session] = {}
        self._touched: dict[_Sender, _Session] = {}
        self._bucket = 0
        self.unreadable = 0
        """Sessions that started anew, since their state cannot be read."""

    def enter(self, bucket: int) -> None:
        """Work on this bucket: its state is what the maps show now."""
        self._bucket = bucket

    def state(self, source: str, codec: StatefulCodec[Any], key: str) -> Any:
        """What is remembered of a sender; it is stored with the next `store`."""
        sender = _Sender(self._bucket, source, key)
        session = self._sessions.get(sender)
        if session is None:
            session = self._sessions[sender] = self._loaded(sender, codec)
        self._touched[sender] = session
        return session.state

    def reset(self, source: str, codec: StatefulCodec[Any], key: str) -> None:
        """Remember nothing of a sender: its state may be half changed."""
        sender = _Sender(self._bucket, source, key)
        self._touched[sender] = self._sessions[sender] = _Session(codec, codec.new_state(), None)

    def store(self) -> None:
        """Write what has changed since the last call into the state of this bucket."""
        for sender, session in self._touched.items():
            snapshot = session.codec.snapshot(session.state)
            if session.stored_revision != session.state.revision:
                self._definitions.put(sender.state_key, snapshot.definitions)
                session.stored_revision = session.state.revision
            self._progress.put(sender.state_key, snapshot.progress)
        self._touched.clear()

    def forget_attempt(self) -> None:
        """What has changed since the last `store` did not happen: the senders concerned are loaded from state again."""
        for sender in self._touched:
            self._sessions.pop(sender, None)
        self._touched.clear()

    def _loaded(self, sender: _Sender, codec: StatefulCodec[Any]) -> _Session:
        definitions = self._definitions.get(sender.state_key)
        progress = self._progress.get(sender.state_key)
        if definitions is None or progress is None:
            return _Session(codec, codec.new_state(), None)
        try:
            state = codec.restore(StateSnapshot(bytes(definitions), bytes(progress)))
        except UnreadableCodecState as error:
            # Never raised: the job would only fail again at the same state.
            self.unreadable += 1
            log.warning(
                "%s of source %s starts anew: %s", sender.key, sender.source, error, extra={"job": CLEAN_TELEMETRY}
            )
            return _Session(codec, codec.new_state(), None)
        return _Session(codec, state, state.revision)
