"""Messages of an edge node, and what a codec made of them."""

from payload_codecs.codec import Command, Rejection, Sample
from payload_codecs.message import Message
from payload_codecs.sparkplug_b.codec import SparkplugB
from payload_codecs.sparkplug_b.data_types import DOUBLE, INT64
from payload_codecs.sparkplug_b.protobuf_schema import Payload
from payload_codecs.sparkplug_b.session import EdgeNode
from schemas.source import Source

T = 1_790_000_000_000
SOURCE = {
    "name": "plant",
    "topic": "spBv1.0/{group}/{type}/{node}/#",
    "codec": "sparkplug-b",
    "device": "{group}/{node}",
}
CODEC = SparkplugB(Source.model_validate(SOURCE))


def payload(*metrics: dict, seq: int | None = None, time: int | None = T, bd_seq: int | None = None) -> bytes:
    made = Payload()
    if time is not None:
        made.timestamp = time
    if seq is not None:
        made.seq = seq
    if bd_seq is not None:
        made.metrics.add(name="bdSeq", datatype=INT64, long_value=bd_seq)
    for metric in metrics:
        properties = metric.pop("properties", {})
        added = made.metrics.add(**metric)
        for key, value in properties.items():
            added.properties.keys.append(key)
            added.properties.values.add(**({"string_value": value} if isinstance(value, str) else {"int_value": value}))
    return made.SerializeToString()


def message(kind: str, body: bytes, device: str | None = None, at: int = T, **headers: bytes) -> Message:
    topic = f"spBv1.0/plant/{kind}/press" + (f"/{device}" if device else "")
    return Message(body, None, topic, {}, at, at, headers)


def temperature(value: float = 21.5, **more) -> dict:
    return {"name": "temperature", "alias": 7, "datatype": DOUBLE, "double_value": value} | more


def by_alias(value: float, alias: int = 7) -> dict:
    return {"alias": alias, "double_value": value}


def born(*metrics: dict, bd_seq: int = 3) -> EdgeNode:
    state = CODEC.new_state()
    CODEC.decode(message("NBIRTH", payload(*(metrics or (temperature(),)), seq=0, bd_seq=bd_seq)), state)
    return state


def values(items) -> dict:
    return {(item.device, item.metric): item.value for item in items if isinstance(item, Sample)}


def reasons(items) -> list:
    return [item.reason for item in items if isinstance(item, Rejection)]


def commands(items) -> list:
    return [item for item in items if isinstance(item, Command)]
