"""What a bridge writes down of its session, and what it makes of what it finds."""

from types import SimpleNamespace
from typing import Any

import pytest

from connectors.kafka.clients import KafkaUnavailable
from connectors.mqtt_bridge.acknowledgements import RecordRefused
from connectors.mqtt_bridge.drop_count import DropCount
from connectors.mqtt_bridge.session import Session
from connectors.mqtt_bridge.session_record import (
    MAX_READS_AGAIN,
    WRITE_EVERY_S,
    AnotherBridge,
    SessionMemory,
    SessionRecord,
)
from connectors.mqtt_bridge.stored_until import MARGIN_MS, StoredUntil
from schemas.bridge_session import MAX_LOSSES, BridgeSession, SessionLoss
from tests.unit.connectors.in_memory import SETTINGS, SUBSCRIPTIONS, Client, Clock, Producer

STARTED_MS = 1_719_800_000_000
EARLIER = BridgeSession(
    client_id="headrace-bridge", instance="earlier", started=STARTED_MS - 90_000,
    filters=("fleet/+/telemetry", "plant/#"), stored_until=STARTED_MS - 60_000,
)  # fmt: skip


class Setting:
    """A bridge's session with a broker and a topic that the test speaks for."""

    def __init__(self, found: BridgeSession | None = None, instance: str = "this") -> None:
        self.client, self.producer = Client(), Producer(stores=True)
        self.wall, self.monotonic = Clock(STARTED_MS), Clock(100.0)
        self.drops = DropCount(self.wall)
        self.newest: Any = None
        self.session = Session(self.client, SETTINGS, SUBSCRIPTIONS)
        self.memory = SessionMemory(self.session, self.wall)
        self.stored_until = self.memory.stored_until
        self._found, self._instance = found, instance

    def start(self) -> SessionRecord:
        self.record = SessionRecord(
            "headrace-bridge", self.session, self.memory, self.producer, SUBSCRIPTIONS.filters,
            found=self._found, read=self._read, started_ms=STARTED_MS, drops=self.drops,
            instance=self._instance, monotonic_s=self.monotonic,
        )  # fmt: skip
        return self.record

    def _read(self) -> BridgeSession | None:
        if isinstance(self.newest, Exception):
            raise self.newest
        newest: BridgeSession | None = self.newest or self.written[-1]
        return newest

    @property
    def written(self) -> list[BridgeSession]:
        return [BridgeSession.model_validate_json(sent.value) for sent in self.producer.sent]

    def connect(self, kept: bool) -> None:
        code = SimpleNamespace(is_failure=False, value=0)
        self.client.on_connect(None, None, SimpleNamespace(session_present=kept), code, None)
        self.client.on_subscribe(None, None, self.client.last_subscription, [code], 0)
        assert self.session.subscribed

    def lose(self, value: int = 0x80) -> None:
        self.client.on_disconnect(None, None, None, SimpleNamespace(value=value), None)

    def keep(self) -> None:
        """As the loop does each second, until what was read is judged."""
        self.record.keep()
        if self.record._reading is not None:
            self.record._reading.exception(10)
            self.record.keep()

    def store_all_up_to_now(self) -> None:
        self.stored_until.caught_up(0, self.wall.now)
        self.stored_until.stored(0)


def test_the_first_session_of_all_is_no_loss() -> None:
    here = Setting()
    here.connect(kept=False)
    here.start()
    here.keep()
    assert here.record.sessions_lost == 0
    assert here.written[-1].losses == ()
    assert here.written[-1].stored_until == STARTED_MS
    assert here.producer.sent[-1].key == b"headrace-bridge"


def test_a_session_that_an_earlier_process_had_and_the_broker_has_not_is_a_loss_with_its_period() -> None:
    here = Setting(found=EARLIER)
    here.connect(kept=False)
    here.start()
    here.keep()
    assert here.record.sessions_lost == 1
    assert here.written[-1].losses == (SessionLoss(since=EARLIER.stored_until, until=STARTED_MS),)


def test_a_session_that_was_kept_is_no_loss() -> None:
    here = Setting(found=EARLIER)
    here.connect(kept=True)
    here.start()
    here.keep()
    assert (here.record.sessions_lost, here.written[-1].losses) == (0, ())


def test_what_the_new_session_brings_before_the_loss_is_judged_shortens_no_period() -> None:
    here = Setting(found=EARLIER)
    here.connect(kept=False)
    here.start()
    here.wall.now += 10_000
    here.store_all_up_to_now()
    here.keep()
    assert here.written[-1].losses == (SessionLoss(since=EARLIER.stored_until, until=STARTED_MS),)


def test_a_session_that_is_lost_while_the_bridge_runs_is_a_loss_since_the_broker_had_no_more() -> None:
    here = Setting()
    here.connect(kept=False)
    here.start()
    here.keep()
    here.wall.now += 50_000
    here.store_all_up_to_now()
    here.wall.now += 7000
    here.lose()
    here.connect(kept=False)
    here.keep()
    assert here.written[-1].losses == (SessionLoss(since=STARTED_MS + 50_000 - MARGIN_MS, until=STARTED_MS + 57_000),)


def test_a_period_never_ends_before_it_begins_though_the_clock_was_set_back() -> None:
    here = Setting(found=EARLIER)
    here.wall.now -= 24 * 3600 * 1000
    here.connect(kept=False)
    here.start()
    here.keep()
    (loss,) = here.written[-1].losses
    assert loss.since <= loss.until


def test_a_loss_before_kafka_was_there_is_not_forgotten() -> None:
    here = Setting(found=EARLIER)
    here.connect(kept=False)
    here.lose(0)
    here.connect(kept=True)
    here.start()
    here.keep()
    assert here.record.sessions_lost == 1


def test_losses_are_kept_by_the_next_process_up_to_a_number() -> None:
    many = tuple(SessionLoss(since=number, until=number + 1) for number in range(MAX_LOSSES))
    here = Setting(found=EARLIER.model_copy(update={"losses": many}))
    here.connect(kept=False)
    here.start()
    here.keep()
    losses = here.written[-1].losses
    assert len(losses) == MAX_LOSSES
    assert losses[:-1] == many[1:]
    assert losses[-1].until == STARTED_MS


def test_the_record_is_written_anew_every_so_often_while_subscribed() -> None:
    here = Setting()
    here.connect(kept=False)
    here.start()
    here.keep()
    before = len(here.written)
    here.keep()
    assert len(here.written) == before
    here.monotonic.now += WRITE_EVERY_S
    here.keep()
    assert len(here.written) == before + 1
    here.lose()
    here.monotonic.now += WRITE_EVERY_S
    here.keep()
    assert len(here.written) == before + 1


def test_filters_that_no_source_names_any_more_stay_in_the_record_until_they_are_unsubscribed() -> None:
    here = Setting(found=EARLIER)
    here.connect(kept=True)
    here.start()
    here.keep()
    assert list(here.written[-1].filters) == ["fleet/+/telemetry", "plant/#"]
    assert here.client.unsubscribed == [["plant/#"]]
    here.client.on_unsubscribe(None, None, 2, [], None)
    here.record.write()
    assert list(here.written[-1].filters) == ["fleet/+/telemetry"]


def test_of_two_bridges_with_one_client_id_the_one_that_started_later_stops() -> None:
    here = Setting()
    here.connect(kept=False)
    here.start()
    here.keep()
    here.lose()
    here.newest = EARLIER
    here.connect(kept=True)
    with pytest.raises(AnotherBridge, match="HEADRACE_BRIDGE_CLIENT_ID") as error:
        here.keep()
    assert "\n" not in str(error.value)
    assert here.written[-1].instance == "this", "the older one's record is not overwritten by the one that stops"
    assert len(here.written) == 1


def test_of_two_bridges_with_one_client_id_the_one_that_started_earlier_goes_on() -> None:
    here = Setting()
    here.connect(kept=False)
    here.start()
    here.keep()
    for round_ in range(1, 6):
        here.lose()
        here.newest = EARLIER.model_copy(update={"started": STARTED_MS + round_, "instance": f"later-{round_}"})
        here.connect(kept=True)
        here.keep()
        assert here.record.rivals == round_
        assert here.written[-1].instance == "this"


@pytest.mark.parametrize("names", [("a", "b"), ("b", "a")])
def test_of_two_bridges_that_started_in_one_millisecond_one_stops(names: tuple[str, str]) -> None:
    ours, theirs = names
    here = Setting(instance=ours)
    here.connect(kept=False)
    here.start()
    here.keep()
    here.lose()
    here.newest = EARLIER.model_copy(update={"started": STARTED_MS, "instance": theirs})
    here.connect(kept=True)
    if ours > theirs:
        with pytest.raises(AnotherBridge):
            here.keep()
    else:
        here.keep()


def test_a_network_that_fails_is_no_rival() -> None:
    here = Setting(found=EARLIER)
    here.connect(kept=True)
    here.start()
    here.keep()
    for _ in range(5):
        here.lose()
        here.connect(kept=True)
        here.keep()
    assert (here.record.rivals, here.record.sessions_lost) == (0, 0)


def test_a_client_that_is_no_bridge_and_had_the_session_is_a_loss_since_it_may_have_taken_messages() -> None:
    here = Setting()
    here.connect(kept=False)
    here.start()
    here.keep()
    here.wall.now += 5000
    here.lose(0x8E)
    here.connect(kept=True)
    before = len(here.written)
    for _ in range(MAX_READS_AGAIN):
        here.keep()
        assert len(here.written) == before, "what another bridge writes would be hidden"
    here.keep()
    assert here.written[-1].losses == (SessionLoss(since=STARTED_MS, until=STARTED_MS + 5000),)


def test_a_bridge_that_comes_back_to_its_own_record_does_not_write_over_what_another_writes_meanwhile() -> None:
    here = Setting()
    here.connect(kept=False)
    here.start()
    here.keep()
    before = len(here.written)
    here.lose()
    here.connect(kept=True)
    here.keep()
    assert len(here.written) == before
    here.newest = EARLIER
    here.lose()
    here.connect(kept=True)
    with pytest.raises(AnotherBridge):
        here.keep()


def test_while_kafka_does_not_say_who_had_the_session_it_is_asked_again() -> None:
    here = Setting()
    here.connect(kept=False)
    here.start()
    here.keep()
    here.lose()
    here.newest = KafkaUnavailable("away")
    here.connect(kept=True)
    here.keep()
    here.newest = EARLIER
    with pytest.raises(AnotherBridge):
        here.keep()


def test_a_record_that_kafka_refuses_for_good_stops_the_bridge() -> None:
    here = Setting()
    here.connect(kept=False)
    here.start()
    here.keep()
    here.producer.refuse(-1, RuntimeError("TopicAuthorizationFailed"))
    with pytest.raises(RecordRefused, match="TopicAuthorizationFailed"):
        here.keep()


def test_what_is_stored_moves_on_only_when_all_is_that_had_come_by_then() -> None:
    until = StoredUntil()
    until.caught_up(3, 10_000)
    until.caught_up(9, 20_000)
    until.stored(2)
    assert until.time_ms == 0
    until.stored(3)
    assert until.time_ms == 10_000 - MARGIN_MS
    until.stored(9)
    assert until.time_ms == 10_000 - MARGIN_MS
    until.caught_up(9, 30_000)
    until.stored(9)
    assert until.time_ms == 30_000 - MARGIN_MS


def test_what_the_broker_dropped_is_written_within_a_second_of_its_change_and_once() -> None:
    here = Setting(found=EARLIER.model_copy(update={"broker_dropped": 5, "broker_counter": 2}))
    here.connect(kept=True)
    here.start()
    here.keep()
    assert here.written[-1].broker_dropped == 5
    here.drops.seen(12)
    here.keep()
    here.keep()
    assert [(each.broker_dropped, each.broker_counter) for each in here.written] == [(5, 2), (15, 12)]
    assert here.written[-1].broker_dropped_at == STARTED_MS


def test_what_the_broker_dropped_before_the_record_was_read_is_in_the_first_one() -> None:
    here = Setting(found=EARLIER)
    here.drops.seen(3)
    here.connect(kept=True)
    here.start()
    here.keep()
    assert [each.broker_dropped for each in here.written] == [3]


def test_a_bridge_that_is_told_nothing_writes_no_0() -> None:
    here = Setting()
    here.connect(kept=True)
    here.start()
    here.keep()
    assert here.written[-1].broker_dropped is None
