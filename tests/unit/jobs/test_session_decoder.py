"""Stateful formats in the cleaning: sessions in state, commands beside the items."""

import json
from collections import Counter

from jobs.operators.session_decoder import SessionDecoder
from jobs.operators.sessions import Sessions
from payload_codecs.registry import codec_of
from payload_codecs.sparkplug_b.data_types import DOUBLE
from payload_codecs.sparkplug_b.protobuf_schema import Payload
from schemas.dead_letter import DeadLetter
from schemas.device_command import DeviceCommand
from schemas.presets import preset_fields
from schemas.reading import Reading
from schemas.source import Source
from schemas.sources import Sources
from tests.raw_messages import NOW_MS, Message, gathered
from tests.unit.jobs.cleaning.outcomes import crossed

PLANT = Source(**{**preset_fields("sparkplug-b"), "name": "plant"})


class Store:
    """A bucket's maps in keyed state, with how often each was written."""

    def __init__(self):
        self.entries, self.written = {}, 0

    def get(self, key):
        return self.entries.get(key)

    def put(self, key, value):
        self.entries[key] = value
        self.written += 1


class Operator:
    """Decodes batches; `restarted` is the next worker on the same state."""

    def __init__(self, definitions=None, progress=None):
        self.definitions, self.progress = definitions or Store(), progress or Store()
        self.sessions = Sessions(self.definitions, self.progress)
        self.decoder = SessionDecoder(Sources([PLANT]), codec_of, self.sessions)
        self.outcomes = Counter()

    def restarted(self):
        return Operator(self.definitions, self.progress)

    def decode(self, *messages):
        self.sessions.enter(3)
        items = list(crossed(self.decoder.decode(gathered(messages), self.outcomes)))
        self.sessions.store()
        return items


def message(kind, *metrics, seq, node="press", **headers):
    body = Payload(timestamp=NOW_MS, seq=seq)
    for metric in metrics:
        body.metrics.add(**metric)
    topic = f"spBv1.0/plant/{kind}/{node}".encode()
    came = {"source": b"plant", "mqtt_topic": topic, "received_at": str(NOW_MS).encode()}
    return Message(body.SerializeToString(), f"plant/{node}", came | headers)


def birth(name="flow", **more):
    return message("NBIRTH", {"name": name, "alias": 1, "datatype": DOUBLE, "double_value": 1.0}, seq=0, **more)


def data(value, seq, **more):
    return message("NDATA", {"alias": 1, "double_value": value}, seq=seq, **more)


def values(items):
    readings = [Reading.model_validate_json(item.record) for item in items if item.identity is not None]
    return [(reading.device, reading.metric, reading.value) for reading in readings]


def test_messages_of_one_batch_build_on_each_other_and_keep_their_positions():
    operator = Operator()
    items = operator.decode(birth(), data(2.0, 1), data(3.0, 2))
    assert values(items) == [
        ("plant/press", "$online", 1.0), ("plant/press", "flow", 1.0), ("plant/press", "flow", 2.0),
        ("plant/press", "flow", 3.0),
    ]  # fmt: skip
    positions = [json.loads(item.record)["position"] for item in items]
    assert [(each["offset"], each["item"], each["items"]) for each in positions] == [
        (0, 0, 2), (0, 1, 2), (1, 0, 1), (2, 0, 1)
    ]  # fmt: skip
    assert operator.outcomes == {("plant", "reading"): 4}


def test_a_session_survives_a_restart_of_its_worker():
    operator = Operator()
    operator.decode(birth(), data(2.0, 1))
    assert values(operator.restarted().decode(data(3.0, 2))) == [("plant/press", "flow", 3.0)]


def test_data_do_not_write_the_definitions_again():
    operator = Operator()
    operator.decode(birth())
    before = operator.definitions.written
    for seq in range(1, 5):
        operator.decode(data(1.0, seq))
    assert (operator.definitions.written, operator.progress.written) == (before, 5)


def test_a_restored_session_does_not_write_its_definitions_again():
    operator = Operator()
    operator.decode(birth())
    again = operator.restarted()
    before = again.definitions.written
    again.decode(data(1.0, 1))
    assert again.definitions.written == before


def test_a_rebirth_is_requested_by_a_command_beside_the_dead_letter():
    operator = Operator()
    items = operator.decode(data(2.0, 7))
    letter, command = items
    assert DeadLetter.model_validate_json(letter.record).reason == "unknown_metric"
    assert command.is_command
    sent = DeviceCommand.model_validate_json(command.record)
    assert (sent.topic, sent.source, sent.position.offset) == ("spBv1.0/plant/NCMD/press", "plant", 0)
    assert Payload.FromString(sent.payload).metrics[0].name == "Node Control/Rebirth"
    assert operator.outcomes == {("plant", "unknown_metric"): 1, ("plant", "command"): 1}


def test_senders_are_told_apart():
    operator = Operator()
    operator.decode(birth(), birth("speed", node="drill"))
    items = operator.decode(data(2.0, 1), data(3.0, 1, node="drill"))
    assert values(items) == [("plant/press", "flow", 2.0), ("plant/drill", "speed", 3.0)]


def test_state_that_cannot_be_read_starts_that_sender_anew_and_is_counted():
    operator = Operator()
    operator.decode(birth(), birth(node="drill"))
    operator.definitions.put("plant\0plant/press", b"garbage")
    again = operator.restarted()
    items = again.decode(data(2.0, 1), data(3.0, 1, node="drill"))
    assert values(items) == [("plant/drill", "flow", 3.0)]
    assert again.sessions.unreadable == 1


class Raises:
    """A stateful codec that fails half-way."""

    def __init__(self, codec):
        self._codec = codec
        self.key, self.new_state = codec.key, codec.new_state
        self.snapshot, self.restore, self.original = codec.snapshot, codec.restore, codec.original

    def decode(self, message, state):
        items = self._codec.decode(message, state)
        if b"NDATA" in message.headers["mqtt_topic"]:
            raise RuntimeError("half-way")
        return items


def test_a_codec_that_raises_costs_its_message_and_forgets_the_session_that_may_be_half_changed():
    operator = Operator()
    operator.decoder = SessionDecoder(
        Sources([PLANT]),
        lambda source: Raises(codec_of(source)) if source is PLANT else codec_of(source),
        operator.sessions,
    )
    _, _, letter = operator.decode(birth(), data(2.0, 1))
    assert DeadLetter.model_validate_json(letter.record).reason == "decoder_failed"
    (refused, command) = operator.restarted().decode(data(3.0, 2))
    assert DeadLetter.model_validate_json(refused.record).reason == "unknown_metric"
    assert command.is_command


def test_a_replayed_dead_letter_asks_for_nothing():
    (item,) = Operator().decode(data(2.0, 1, replays=b"1"))
    assert DeadLetter.model_validate_json(item.record).reason == "unknown_metric"
