"""Which letters go back where, with what, and never twice by accident."""

import json
from collections.abc import Mapping

import pytest
from kafka.errors import KafkaError

from connectors.kafka.topic_settings import TopicSettings
from connectors.redis.device_state import DeviceUpdate
from connectors.stores import StoreUnavailable
from headrace.dead_letters import dead_letter_tables
from headrace.dead_letters.errors import EditFailed, ReplayFailed
from headrace.dead_letters.replay_log import replay_log
from headrace.dead_letters.replay_producer import ReplayProducer
from headrace.dead_letters.replay_target import NotReplayable, ToStore, ToTopic, replay_target
from headrace.dead_letters.replaying import BATCH, Choice, PlannedChange, rehearse, run
from headrace.dead_letters.stored_dead_letter import DeadLetterId, StoredDeadLetter
from schemas.dead_letter import MAX_ORIGINAL_BYTES
from schemas.record import Position
from schemas.replay import Replay
from schemas.topics import DAY_MS, DEAD_LETTER_REPLAYS, DEAD_LETTERS
from tests.unit.headrace.dead_letters_in_memory import SEEN_MS, Producer, Record, letter, record

LARGEST = 256 * 1024
NOW_MS = SEEN_MS + 60_000
ID = DeadLetterId(0, 3)
POSITION = {"topic": "telemetry.raw", "partition": 0, "offset": 5}
READING = {"device": "pump 7", "metric": "flow,a=b", "event_time": 1719800000123, "value": 21.5, "position": POSITION}
SCORE = READING | {"score": 0.5, "threshold": 1, "is_anomaly": True, "detector": "gaussian", "detector_version": 1}


def kept(offset: int = 3, **fields) -> StoredDeadLetter:
    return StoredDeadLetter.of(record(offset, letter(**fields)))


def refused_by(stage: str, topic: str, content: dict) -> StoredDeadLetter:
    return kept(
        stage=stage, payload=json.dumps(content).encode(), headers={},
        position=Position(topic=topic, partition=1, offset=2),
    )  # fmt: skip


def choice(**fields) -> Choice:
    return Choice(**({"log": {}, "largest_bytes": LARGEST, "now_ms": NOW_MS} | fields))


def sent_before(*offsets: int) -> Mapping[DeadLetterId, list[Replay]]:
    rows = [Replay(dead_letter=f"0:{n}", destination="telemetry.raw", replays=1, replayed_at=NOW_MS) for n in offsets]
    return replay_log(Record(0, n, 0, row.model_dump_json().encode()) for n, row in enumerate(rows))


@pytest.fixture
def producer() -> Producer:
    return Producer()


class Store:
    """Refuses rows of the device `full`."""

    def __init__(self) -> None:
        self.rows: list = []
        self.is_away = False

    def write(self, rows):
        if self.is_away:
            raise StoreUnavailable("Redis does not answer")
        self.rows += rows
        return ["the device has over 1000 metrics" if "full" in str(row) else None for row in rows]


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def replay_producer(producer, store) -> ReplayProducer:
    return ReplayProducer(producer, lambda _: store, lambda: NOW_MS)


def test_a_replay_has_the_key_the_bytes_and_the_headers_of_the_message():
    way = replay_target(kept(), LARGEST)
    assert (way.topic, way.key, way.value) == ("telemetry.raw", b"pump-7", kept().payload)
    assert dict(way.headers) == {
        "mqtt_topic": b"fleet/pump-7/telemetry", "received_at": b"1719799999000",
        "replays": b"1", "dead_letter": b"0:3",
    }  # fmt: skip
    assert len(way.headers) == len(dict(way.headers))


def test_the_count_goes_on_and_the_marks_of_an_earlier_replay_are_replaced():
    before = {"replays": b"1", "dead_letter": b"1:9", "edited": b"1", "received_at": b"5"}
    headers = dict(replay_target(kept(replays=1, headers=before), LARGEST).headers)
    assert headers == {"replays": b"2", "dead_letter": b"0:3", "received_at": b"5"}


def test_without_the_bridges_time_the_time_that_the_cleaning_took_stays():
    assert dict(replay_target(kept(headers={}), LARGEST).headers)["received_at"] == b"%d" % SEEN_MS


def test_a_mended_replay_says_so_and_does_not_carry_the_original():
    way = replay_target(kept(), LARGEST, b"{}")
    assert way.value == b"{}"
    assert dict(way.headers)["edited"] == b"1"
    assert len(b"".join(value for _, value in way.headers)) < 100


def test_an_empty_payload_goes_back_as_no_bytes():
    assert replay_target(kept(original=None, reason="empty_payload"), LARGEST).value == b""


@pytest.mark.parametrize("device", [None, "", "a\\b", "a/b", "a\nb", "x" * 201])
def test_a_letter_without_a_usable_device_needs_one(device):
    nameless = kept(device=device, stage="mqtt_bridge", position=None)
    assert "--as-device NAME" in replay_target(nameless, LARGEST).why
    assert replay_target(nameless, LARGEST, as_device="pump-7").key == b"pump-7"


def test_a_replay_is_no_way_around_the_largest_payload():
    assert "in parts" in replay_target(kept(payload=b"x" * (LARGEST + 1), stage="mqtt_bridge"), LARGEST).why
    assert isinstance(replay_target(kept(payload=b"x" * LARGEST, stage="mqtt_bridge"), LARGEST), ToTopic)


def test_a_letter_whose_original_was_cut_cannot_be_replayed_nor_mended():
    cut = kept(payload=b"x" * (MAX_ORIGINAL_BYTES + 1))
    for edited in (None, b"{}"):
        assert replay_target(cut, LARGEST, edited).why == "only the first 65,536 of 4,194,305 bytes are kept"


def test_an_unreadable_record_cannot_be_replayed():
    assert "cannot be read" in replay_target(StoredDeadLetter.of(record(3, b"?")), LARGEST).why


def test_a_stage_that_is_not_known_is_refused_by_name():
    assert replay_target(kept(stage="score_weather", position=None), LARGEST).why == (
        "no replay is defined for dead letters of score_weather"
    )


@pytest.mark.parametrize("replayable", [False, True])  # letters of earlier releases said true
def test_a_row_of_change_capture_is_read_again_and_not_replayed(replayable):
    letter = kept(stage="score_churn", reason="unscorable_customer", device="C 7", replayable=replayable)
    for edited in (None, b"{}"):
        assert replay_target(letter, LARGEST, edited).why.endswith("headrace churn rescore 'C 7'")


def test_what_change_capture_did_not_write_is_said_to_be_no_row():
    letter = kept(stage="score_churn", reason="not_a_customer", device=None, replayable=False)
    assert "no row of PostgreSQL" in replay_target(letter, LARGEST).why


@pytest.mark.parametrize(
    ("stage", "topic", "content", "row"),
    [
        ("store_influxdb", "telemetry.readings", READING,
         r"reading,device=pump\ 7,metric=flow\,a\=b value=21.5 1719800000123"),
        ("store_influxdb", "telemetry.windows",
         {**READING, "window": "10s", "window_start": 1719800000000, "count": 2, "mean": 1, "min": 1, "max": 1.5,
          "stddev": 0.25, "last": 1},
         r"reading_window,device=pump\ 7,metric=flow\,a\=b,window=10s "
         "count=2i,mean=1.0,min=1.0,max=1.5,stddev=0.25,last=1.0 1719800000000"),
        ("store_influxdb", "telemetry.anomalies",
         SCORE | {"is_anomaly": False},
         r"anomaly,device=pump\ 7,metric=flow\,a\=b,detector=gaussian "
         "score=0.5,value=21.5,threshold=1.0,is_anomaly=false 1719800000123"),
        ("store_redis", "telemetry.readings", READING,
         DeviceUpdate("pump 7", "flow,a=b", "reading", 1719800000123, '"value":21.5,"ts":1719800000123')),
        ("store_redis", "telemetry.anomalies", SCORE,
         DeviceUpdate("pump 7", "flow,a=b", "score", 1719800000123,
                      '"score":0.5,"score_ts":1719800000123,"is_anomaly":true')),
    ],
)  # fmt: skip
def test_what_a_store_refused_goes_to_that_store_alone(stage, topic, content, row):
    way = replay_target(refused_by(stage, topic, content), LARGEST)
    assert isinstance(way, ToStore)
    assert way.row == row


@pytest.mark.parametrize(
    "broken",
    [
        refused_by("store_influxdb", "telemetry.readings", {"device": "d"}),
        refused_by("store_influxdb", "telemetry.readings", READING | {"value": "warm"}),
        refused_by("store_redis", "telemetry.windows", READING),
        kept(stage="store_redis", payload=b"["),
        kept(stage="store_redis", payload=b"7"),
    ],
)
def test_a_record_of_a_store_that_cannot_be_read_is_refused(broken):
    assert "its record cannot be read" in replay_target(broken, LARGEST).why


def test_the_record_that_a_store_refused_is_not_mended():
    letter_of_store = refused_by("store_redis", "telemetry.readings", READING)
    assert "fix the store" in replay_target(letter_of_store, LARGEST, b"{}").why


def test_a_letter_that_was_sent_back_is_left_out_unless_asked_for():
    log = sent_before(3)
    assert "--again" in choice(log=log).of(kept(3)).why
    assert isinstance(choice(log=log).of(kept(4)), PlannedChange)
    assert isinstance(choice(log=log, again=True).of(kept(3)), PlannedChange)


def test_a_change_that_leaves_the_payload_wrong_is_refused():
    still_wrong = choice(edit=lambda _: b'{"metric":"temperature","value":"hot"}').of(kept())
    assert still_wrong == NotReplayable("edited, it is bad_value (value: hot)")


def test_a_change_that_changes_nothing_is_refused():
    assert choice(edit=lambda payload: payload).of(kept()) == NotReplayable("the payload is unchanged")


def test_a_change_that_fails_is_refused_with_its_words():
    def fail(_):
        raise EditFailed("jq gave 0 results instead of one")

    assert choice(edit=fail).of(kept()) == NotReplayable("jq gave 0 results instead of one")


def test_a_rehearsal_says_what_would_go_and_what_will_come_back():
    tally = rehearse([kept(1), kept(2, payload=b'{"metric":"t","value":1}'), kept(3)], choice(log=sent_before(3)))
    assert tally.sent == {"telemetry.raw": 2}
    assert tally.still_wrong == {"bad_value": 1}
    assert [str(change.kept.id) for change in tally.first_changes] == ["0:1", "0:2"]
    assert dead_letter_tables.tally_as_json(tally, sent=False)["first_refused"][0]["id"] == "0:3"


def test_a_message_and_its_note_are_one_transaction(replay_producer, producer):
    tally = run([kept(3)], choice(), replay_producer)
    assert tally.sent == {"telemetry.raw": 1}
    (message, note) = producer.committed
    assert message[:3] == ("telemetry.raw", kept().payload, b"pump-7")
    assert note[0] == "dead-letters.replays"
    assert Replay.model_validate_json(note[1]) == Replay(
        dead_letter="0:3", destination="telemetry.raw", replays=1, replayed_at=NOW_MS
    )


def test_what_was_written_down_is_not_sent_in_the_next_run(replay_producer, producer):
    run([kept(3)], choice(), replay_producer)
    log = replay_log(Record(0, 0, 0, value) for topic, value, _, _ in producer.committed if "replays" in topic)
    assert run([kept(3), kept(4)], choice(log=log), replay_producer).sent == {"telemetry.raw": 1}
    assert [value for topic, value, _, _ in producer.committed if topic == "telemetry.raw"] == [kept().payload] * 2


def test_many_letters_go_in_several_transactions(replay_producer, producer):
    assert run((kept(n) for n in range(BATCH + 1)), choice(), replay_producer).sent == {"telemetry.raw": BATCH + 1}
    assert producer.transactions == 2


def test_a_batch_that_fails_in_the_middle_sends_none_of_it_and_keeps_those_before(replay_producer, producer):
    producer.refuses_number = 2 * BATCH + 3
    with pytest.raises(ReplayFailed, match="Run the same command again"):
        run((kept(n) for n in range(2 * BATCH)), choice(), replay_producer)
    assert len(producer.committed) == 2 * BATCH
    assert producer.open is None


def test_whoever_was_shut_out_is_told_that_nothing_was_sent(replay_producer, producer):
    producer.is_fenced = True
    with pytest.raises(ReplayFailed, match="another replay has started"):
        run([kept()], choice(), replay_producer)
    assert producer.committed == []


def test_a_row_for_a_store_is_written_and_noted(replay_producer, producer, store):
    run([refused_by("store_redis", "telemetry.readings", READING)], choice(), replay_producer)
    assert [row.device for row in store.rows] == ["pump 7"]
    assert [topic for topic, *_ in producer.committed] == ["dead-letters.replays"]


def test_a_row_that_the_store_refuses_again_is_not_noted_and_the_others_are(replay_producer, producer):
    rows = [refused_by("store_redis", "telemetry.readings", READING | {"device": name}) for name in ("full", "b")]
    tally = run(rows, choice(), replay_producer)
    assert tally.sent == {"Redis": 1}
    assert list(tally.refused) == ["Redis refuses it again: the device has over 1000 metrics"]
    assert len(producer.committed) == 1


def test_a_store_that_is_away_stops_the_run_and_nothing_is_noted(replay_producer, producer, store):
    store.is_away = True
    with pytest.raises(ReplayFailed, match=r"does not answer.*replay them again"):
        run([refused_by("store_redis", "telemetry.readings", READING)], choice(), replay_producer)
    assert producer.committed == []


def test_the_log_can_be_read_for_some_letters_only():
    rows = [Replay(dead_letter=f"0:{n}", destination="telemetry.raw", replays=1, replayed_at=1) for n in (1, 2)]
    records = [Record(0, n, 0, row.model_dump_json().encode()) for n, row in enumerate(rows)]
    assert set(replay_log(records, only=[DeadLetterId(0, 2), DeadLetterId(0, 9)])) == {DeadLetterId(0, 2)}


def test_an_abort_that_fails_too_does_not_hide_the_first_error(producer):
    def fail():
        raise KafkaError("the abort")

    producer.abort_transaction = fail
    producer.refuses_number = 1
    with pytest.raises(ReplayFailed, match="no broker"):
        run([kept()], choice(), ReplayProducer(producer, lambda _: Store()))


def test_the_note_of_a_replay_outlives_its_letter():
    for topics in (TopicSettings().topics(), TopicSettings(retention_days=400).topics()):
        kept_ms = {topic.name: topic.retention_ms for topic in topics}
        assert kept_ms[DEAD_LETTER_REPLAYS.name] - kept_ms[DEAD_LETTERS.name] >= 7 * DAY_MS


def test_retention_of_dead_letters_is_a_setting(monkeypatch):
    monkeypatch.setenv("HEADRACE_DEAD_LETTERS_RETENTION_DAYS", "90")
    monkeypatch.setenv("HEADRACE_DEAD_LETTERS_RETENTION_MIB", "100")
    configs = {topic.name: topic.configs() for topic in TopicSettings().topics()}
    assert configs["dead-letters"]["retention.ms"] == str(90 * DAY_MS)
    assert configs["dead-letters"]["retention.bytes"] == str(100 * 2**20)
    assert configs["telemetry.raw"]["retention.ms"] == str(7 * DAY_MS)
