"""What the bridge writes down of its session in the topic bridge.sessions, and what it finds there (ADR 29).

A session that the broker does not have any more is a loss of everything that it held. Only one who remembers that
there was a session can tell it from the first one; the bridge's own memory ends with its process.
"""

import logging
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from connectors.entrance_records import epoch_ms
from connectors.kafka.clients import KafkaClientError
from connectors.mqtt_bridge.acknowledgements import Confirmation, RecordRefused
from connectors.mqtt_bridge.bridge import Producer
from connectors.mqtt_bridge.drop_count import DropCount
from connectors.mqtt_bridge.session import Session
from connectors.mqtt_bridge.stored_until import StoredUntil
from schemas.bridge_session import MAX_LOSSES, BridgeSession, SessionLoss
from schemas.errors import TerminalError
from schemas.topics import BRIDGE_SESSIONS

log = logging.getLogger(__name__)

MAX_READS_AGAIN = 3
"""About a second apart: a bridge that took our session has written its record by then."""

WRITE_EVERY_S = 30.0
"""What a crash makes the period of a lost session longer by, at most."""


class AnotherBridge(TerminalError):
    """Raised where an older bridge with our client id is at work. Terminal: one of the two has to be stopped."""


class SessionMemory:
    """What is known of the session before Kafka is there: when it was made anew."""

    def __init__(self, session: Session, clock_ms: Callable[[], int] = epoch_ms) -> None:
        self._clock_ms = clock_ms
        self.stored_until = StoredUntil()
        self.made: list[SessionLoss] = []
        """One for each session that the broker did not have before: what it would be a loss of, if there was one."""
        self.last_gap = SessionLoss(since=0, until=0)
        """Before the subscriptions last came to stand."""
        self.times_subscribed = 0
        session.when_subscribed = self._subscribed

    def _subscribed(self, is_new: bool) -> None:
        self.times_subscribed += 1
        # Now: from here on `stored_until` moves on with what the session of today brings.
        self.last_gap = SessionLoss(since=self.stored_until.time_ms, until=self._clock_ms())
        if is_new:
            self.made.append(self.last_gap)


class SessionRecord:
    """The newest record of a client id in bridge.sessions, which this process keeps.

    Parameters
    ----------
    found
        The record that an earlier process left, or None.
    read
        Reads the newest record of this client id. Called on a thread of its own, after each reconnect.
    started_ms
        When this process started: of two bridges with one client id the one that started later stops.
    drops
        What the broker says it has dropped; goes on from what was found.
    """

    def __init__(
        self,
        client_id: str,
        session: Session,
        memory: SessionMemory,
        producer: Producer,
        filters: tuple[str, ...],
        *,
        found: BridgeSession | None,
        read: Callable[[], BridgeSession | None],
        started_ms: int,
        drops: DropCount | None = None,
        instance: str = "",
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client_id = client_id
        self._session = session
        self._memory = memory
        self._producer = producer
        self._filters = filters
        self._found = found
        self._read = read
        self._started_ms = started_ms
        self.instance = instance or uuid.uuid4().hex[:12]
        self._monotonic_s = monotonic_s
        self._losses = found.losses if found else ()
        self._drops = drops or DropCount()
        self._drops.start_from(found)
        self._written_drops = self._drops.figures
        self._expected = found is not None
        self._last_known_ms = found.stored_until if found else 0
        self._seen = 0
        """How often the session had been subscribed when its record was last compared."""
        self._seen_taken_over = 0
        self._reader = ThreadPoolExecutor(1, "bridge.sessions")
        self._reading: Future[BridgeSession | None] | None = None
        self._reads_again = 0
        """How often the record was read once more since our session was taken over."""
        self._next_write_s = 0.0
        self._written: Confirmation | None = None
        self.sessions_lost = 0
        self.rivals = 0
        """How often another bridge with our client id was found to have had the session."""
        session.forget(found.filters if found else ())

    def keep(self) -> None:
        """Call about once a second. Raises AnotherBridge and RecordRefused."""
        self._judge_new_sessions()
        self._require_stored()
        if self._reading is not None:
            self._judge_rival(self._reading)
        elif self._memory.times_subscribed > self._seen:
            self._compare()
        elif self._session.subscribed and self._is_due:
            self.write()

    @property
    def _is_due(self) -> bool:
        return self._monotonic_s() >= self._next_write_s or self._drops.figures != self._written_drops

    def write(self) -> Confirmation:
        """Write the record down; it is stored when Kafka confirms it."""
        self._next_write_s = self._monotonic_s() + WRITE_EVERY_S
        self._last_known_ms = max(self._last_known_ms, self._memory.stored_until.time_ms)
        dropped, dropped_at, counter = self._written_drops = self._drops.figures
        record = BridgeSession(
            client_id=self._client_id,
            instance=self.instance,
            started=self._started_ms,
            filters=tuple(sorted({*self._filters, *self._session.stale})),
            stored_until=self._last_known_ms,
            losses=self._losses,
            broker_dropped=dropped,
            broker_dropped_at=dropped_at,
            broker_counter=counter,
        )
        value = record.model_dump_json().encode()
        self._written = self._producer.send(BRIDGE_SESSIONS.name, value, self._client_id.encode(), [])
        return self._written

    def close(self) -> None:
        self._reader.shutdown(wait=False, cancel_futures=True)

    def _judge_new_sessions(self) -> None:
        made, self._memory.made = self._memory.made, []
        for gap in made:
            if self._expected:
                self._lost("had lost our session", gap)
                self._seen_taken_over = self._session.taken_over
            self._expected = True
            self._last_known_ms = max(self._last_known_ms, gap.until)
            self._next_write_s = 0.0

    def _lost(self, what: str, gap: SessionLoss) -> None:
        since_ms, until_ms = min(max(self._last_known_ms, gap.since), gap.until), gap.until
        self._losses = (*self._losses, SessionLoss(since=since_ms, until=until_ms))[-MAX_LOSSES:]
        self.sessions_lost += 1
        log.error(
            "The MQTT broker %s. Messages that it acknowledged in the %.1f s before may be missing: `headrace balance` "
            "names the period. Look for another client with the client id %s, or for lost data of the broker.",
            what,
            (until_ms - since_ms) / 1000,
            self._client_id,
        )

    def _compare(self) -> None:
        """Whether the record is still ours, before it is written anew; on the first time it is an earlier process's."""
        is_first, self._seen = self._seen == 0, self._memory.times_subscribed
        if is_first:
            self.write()
        else:
            self._reading = self._reader.submit(self._read)

    def _judge_rival(self, reading: Future[BridgeSession | None]) -> None:
        if not reading.done():
            return
        self._reading = None
        try:
            newest = reading.result()
        except KafkaClientError as error:
            log.warning("Whether another bridge has our client id is not known: %s. Looking again.", error)
            self._seen -= 1
            return
        if newest is not None and newest.instance != self.instance:
            self._meet(newest)
        elif self._session.taken_over > self._seen_taken_over:
            if self._reads_again < MAX_READS_AGAIN:
                # Whoever took it may be a bridge that has not written yet. To write now would hide what it writes.
                self._reads_again += 1
                self._reading = self._reader.submit(self._read)
                return
            self._lost("had given our session to a client that is no bridge", self._memory.last_gap)
        elif self._monotonic_s() < self._next_write_s:
            return  # the record is ours: writing it anew could only hide what another bridge writes at this moment
        self._reads_again = 0
        self._seen_taken_over = self._session.taken_over
        self.write()

    def _meet(self, rival: BridgeSession) -> None:
        self.rivals += 1
        if (rival.started, rival.instance) < (self._started_ms, self.instance):
            raise AnotherBridge(
                f"Another bridge with the client id {self._client_id} has been running for longer, and only one can "
                "have the session. This one stops: give it its own HEADRACE_BRIDGE_CLIENT_ID and a share group, or "
                "stop the other one."
            )
        log.error("Another bridge started with our client id, %s. We go on, and it is to stop.", self._client_id)

    def _require_stored(self) -> None:
        error = self._written.exception if self._written is not None and self._written.is_done else None
        if error is not None:
            raise RecordRefused(str(error) or repr(error)) from error
