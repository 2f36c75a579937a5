"""The operator around the Decoder: its counters, and sources that travel to it."""

import pickle

from pyflink.common import Row

from jobs.operators.decode_telemetry import DecodeTelemetry
from schemas.dead_letter import DeadLetter
from schemas.payload_format import Codec
from schemas.reading import Reading
from schemas.source import Source
from tests.raw_messages import Message, gathered
from tests.unit.jobs.cleaning.outcomes import crossed

PLANT = Source(name="plant", topic=("plant/{device}/{metric}",), codec=Codec.SCALAR, metric="{metric}")


class Metrics:
    """Runtime context and group of metrics in one; counters by the names of their groups and their own."""

    def __init__(self, counts=None, path=()):
        self.counts = {} if counts is None else counts
        self._path = path

    def get_metrics_group(self):
        return self

    def get_index_of_this_subtask(self):
        return 0

    def add_group(self, name, extra):
        return Metrics(self.counts, (*self._path, name, extra))

    def counter(self, name):
        return Counter(self.counts, (*self._path, name))


class Counter:
    def __init__(self, counts, name):
        assert name not in counts, "a counter is registered once"
        self._counts, self._name = counts, name
        counts[name] = 0

    def inc(self, n=1):
        self._counts[self._name] += n


def opened(sources=()):
    operator = pickle.loads(pickle.dumps(DecodeTelemetry([each.model_dump(mode="json") for each in sources])))
    metrics = Metrics()
    operator.open(metrics)
    return operator, metrics.counts


def test_what_became_of_items_is_counted_by_source_and_outcome():
    operator, counts = opened([PLANT])
    by_topic = {"mqtt_topic": b"plant/press/torque"}
    messages = [
        Message(b"21"),
        Message(b"21", "press", by_topic),
        Message(b'{"a":1,"b":2}'),
        Message(b"22", "p", by_topic),
    ]
    for _ in range(2):
        frames = [row[0] for row in operator.process_element(Row(0, gathered(messages)), None)]
        assert sum(1 for _ in crossed(frames)) == 5
    assert counts == {
        ("items",): 10,
        ("quarantined",): 0,
        ("source", "fleet", "outcomes_not_a_reading"): 2,
        ("source", "fleet", "outcomes_reading"): 4,
        ("source", "plant", "outcomes_reading"): 4,
    }


class FailsAt(DecodeTelemetry):
    """Raises for every batch with this payload, past what the decoder itself catches."""

    def _decode(self, frame):
        if b"poisonous" in frame:
            raise RecursionError("nothing catches this")
        return super()._decode(frame)


def test_a_message_that_fails_three_times_is_a_dead_letter_with_its_bytes_and_is_counted():
    operator, metrics = FailsAt([]), Metrics()
    operator.open(metrics)
    payloads = [b'{"metric":"a","value":1}', b'{"poisonous":2}', b'{"metric":"b","value":3}']
    messages = [Message(payload, headers={"replays": b"2"}) for payload in payloads]
    rows = operator.process_element(Row(0, gathered(messages)), None)
    first, item, last = crossed([row[0] for row in rows])
    letter = DeadLetter.model_validate_json(item.record)
    assert [Reading.model_validate_json(each.record).metric for each in (first, last)] == ["a", "b"]
    assert (letter.reason, letter.original, letter.position.offset, letter.replays) == (
        "quarantined", payloads[1], 1, 2,
    )  # fmt: skip
    assert "RecursionError: nothing catches this" in letter.detail
    assert metrics.counts["quarantined",] == metrics.counts["source", "fleet", "outcomes_quarantined"] == 1
    assert metrics.counts["items",] == 3
