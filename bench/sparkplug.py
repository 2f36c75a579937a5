"""Sparkplug B through clean_telemetry: metrics per CPU second of its Python worker, Kafka to Kafka, exactly once.

    python -m bench.sparkplug

Edge nodes with 100 metrics, of which each message (NDATA) has 20, by alias. First without Flink: the codec alone, and
all that the worker makes of a batch. The last line is the worker's in the job. HEADRACE_BENCH_METRICS sends fewer
values than two million.
"""

import gc
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

from bench.command_line import run
from bench.job_cost import run_job
from bench.report import verdict
from bench.stack import bench_stack
from bench.topic_ends import TopicEnds
from connectors.kafka.clients import create_topics, producer
from flink import framing
from headrace.submission import SOURCES
from jobs.operators.session_decoder import SessionDecoder
from jobs.operators.sessions import Sessions
from jobs.operators.telemetry_decoder import Outcomes
from payload_codecs.message import Message
from payload_codecs.registry import codec_of
from payload_codecs.sparkplug_b.codec import SparkplugB
from payload_codecs.sparkplug_b.data_types import DOUBLE
from payload_codecs.sparkplug_b.protobuf_schema import Payload
from schemas.sources_file import parse_sources
from schemas.topics import TELEMETRY_RAW, TELEMETRY_READINGS
from stack.layout import Layout

METRICS = int(os.environ.get("HEADRACE_BENCH_METRICS", "2000000"))
LIMIT = 50_000
NODES = 100
DEFINED = 100
IN_MESSAGE = 20
BEGIN_MS = 1_790_000_000_000
BATCH = 200
"""Messages that the worker gets at once."""

TABLE = '[[source]]\nname = "plant"\npreset = "sparkplug-b"\n'


class Raw(NamedTuple):
    """A record of telemetry.raw."""

    node: str
    kind: str
    payload: bytes

    @property
    def topic(self) -> str:
        return f"spBv1.0/plant/{self.kind}/{self.node}"

    @property
    def key(self) -> str:
        return f"plant/{self.node}"


def main() -> None:
    gc.disable()  # as the worker does
    sample = list(_messages(200_000))
    print(f"the codec alone: {_us(_codec_alone(sample)):.2f} us of CPU a metric", flush=True)
    print(f"decoded, judged and encoded, without Flink: {_us(_decoder_alone(sample)):.2f} us", flush=True)
    gc.enable()
    with bench_stack() as layout:
        create_topics(layout.endpoints.kafka)
        sent = _send(layout)
        ends = TopicEnds(layout.endpoints.kafka, TELEMETRY_READINGS)
        os.environ[SOURCES] = TABLE
        (cost,) = run_job(layout, "jobs.clean_telemetry", [], sent, ends)
    warm = "" if cost.is_warm else ", not warm"
    print(f"in the job: {cost.python_us:.2f} us of the worker and {cost.jvm_us:.2f} us of the JVM a metric{warm}")
    print(verdict("sparkplug", 1e6 / cost.python_us, "metrics per CPU second of the worker", LIMIT, at_least=True))


def _messages(metrics: int) -> Iterator[Raw]:
    """Each node's birth, then data of the nodes in turn; no value has the time of another."""
    for node in range(NODES):
        birth = Payload(timestamp=BEGIN_MS, seq=0)
        for alias in range(DEFINED):
            birth.metrics.add(name=f"Line {alias // 10}/Value {alias}", alias=alias, datatype=DOUBLE, double_value=0.0)
        yield Raw(f"press-{node:03}", "NBIRTH", birth.SerializeToString())
    for number in range(metrics // IN_MESSAGE):
        turn, node = divmod(number, NODES)
        now_ms = BEGIN_MS + 1 + turn
        data = Payload(timestamp=now_ms, seq=(turn + 1) % 256)
        for offset in range(IN_MESSAGE):
            alias = (turn * IN_MESSAGE + offset) % DEFINED
            data.metrics.add(alias=alias, timestamp=now_ms, double_value=turn + alias / 100)
        yield Raw(f"press-{node:03}", "NDATA", data.SerializeToString())


def _codec_alone(sample: list[Raw]) -> Callable[[], int]:
    source = parse_sources(TABLE).sources[0]
    messages = [Message(each.payload, each.key, each.topic, {}, BEGIN_MS, BEGIN_MS, {}) for each in sample]

    def decode() -> int:
        codec = SparkplugB(source)
        states = {each.key: codec.new_state() for each in sample}
        return sum(len(codec.decode(message, states[message.device or ""])) for message in messages)

    return decode


class _Bucket(dict[str, bytes]):
    """A map of keyed state in memory."""

    put = dict.__setitem__


def _decoder_alone(sample: list[Raw]) -> Callable[[], int]:
    frames = [_frame(sample[begin : begin + BATCH]) for begin in range(0, len(sample), BATCH)]

    def decode() -> int:
        sessions = Sessions(_Bucket(), _Bucket())
        decoder = SessionDecoder(parse_sources(TABLE), codec_of, sessions)
        outcomes: Outcomes = Counter()
        for frame in frames:
            for _ in decoder.decode(frame, outcomes):
                pass
            sessions.store()
        assert outcomes.keys() == {("plant", "reading")}, outcomes
        return outcomes["plant", "reading"]

    return decode


def _frame(messages: list[Raw]) -> bytes:
    def fields(offset: int, message: Raw) -> tuple[framing.Field, ...]:
        headers = framing.encode([(name.encode(), value) for name, value in _headers(message)])
        numbers = (number.to_bytes(8, "big", signed=True) for number in (0, offset, BEGIN_MS * 2))
        named = (b"plant", message.topic.encode(), str(BEGIN_MS).encode())
        return (message.key.encode(), message.payload, *named, *numbers, headers)

    return framing.encode([fields(offset, message) for offset, message in enumerate(messages)])


def _headers(message: Raw) -> list[tuple[str, bytes]]:
    """Those of the bridge."""
    return [
        ("source", b"plant"), ("mqtt_topic", message.topic.encode()), ("mqtt_qos", b"0"), ("mqtt_retained", b"0"),
        ("received_at", str(BEGIN_MS).encode()),
    ]  # fmt: skip


def _us(step: Callable[[], int], rounds: int = 5) -> float:
    """CPU microseconds a metric."""
    times = []
    for _ in range(rounds):
        begin = time.process_time()
        metrics = step()
        times.append((time.process_time() - begin) / metrics)
    return 1e6 * min(times)


def _send(layout: Layout) -> int:
    """Gives the readings that come of it: `$online` of each node is one."""
    client = producer(layout.endpoints.kafka, client_id="bench", linger_ms=20)
    for message in _messages(METRICS):
        client.send(TELEMETRY_RAW.name, key=message.key.encode(), value=message.payload, headers=_headers(message))
    client.flush()
    client.close()
    print(f"{METRICS:,} values in {METRICS // IN_MESSAGE:,} messages of {NODES} edge nodes", flush=True)
    return NODES * (DEFINED + 1) + METRICS // IN_MESSAGE * IN_MESSAGE


if __name__ == "__main__":
    run(main)
