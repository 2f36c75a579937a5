"""What decoding, validation and encoding cost in Python, without Flink: CPU us a message and a metric.

    python -m bench.codecs [--rounds 7]

A reading of 150 bytes a message against one message of 9,900 metrics, both in Headrace's own JSON, in batches as the
job has them. Then the same reading by a source that maps it with JMESPath against our own form, as the worker of the
job handles a micro-batch: from the frame that comes to the frame that goes. The last lines are the two ratios.
"""

import argparse
import gc
import json
import time
from collections.abc import Callable, Sequence

from bench.command_line import run
from bench.report import verdict
from flink import framing
from jobs.operators.telemetry_decoder import READING as READING_OUTCOME
from jobs.operators.telemetry_decoder import Decoder, Outcomes
from payload_codecs.codec import Rejection
from payload_codecs.headrace_json import HeadraceJson
from payload_codecs.message import Message
from payload_codecs.registry import stateless_codec_of
from payload_codecs.valid_reading import ItemPosition, ValidReading, encoded
from payload_codecs.validation import Validator
from schemas.payload_format import Codec as Format
from schemas.source import DEFAULT_SOURCE, Source
from schemas.sources import Sources

NOW_MS = 1_790_000_000_000
WIDTH = 9_900
BATCH = 1_000
LIMIT = 1.0
READING = {
    "metric": "temperature", "value": 21.4, "unit": "Cel", "ts": NOW_MS, "seq": 17, "firmware": "2.3.1-rc4",
    "quality": "good", "site": "north hall, line 4, east",
}  # fmt: skip

MAPPED_LIMIT, MAPPED_AIM = 3.0, 1.5
MAPPED = Source(
    name="mapped", topic=("mapped/{device}",), codec=Format.JSON, metric="d.id", value="d.v", unit={"*": "d.u"},
    time="t || timestamp", sequence="n",
)  # fmt: skip
MAPPED_READING = {
    "d": {"id": "temperature", "v": 21.4, "u": "Cel"}, "timestamp": NOW_MS, "n": 17, "firmware": "2.3.1-rc4",
    "quality": "good", "site": "north hall",
}  # fmt: skip

codec = HeadraceJson(DEFAULT_SOURCE)
validator = Validator(DEFAULT_SOURCE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=7, help="the quickest of them counts")
    rounds = parser.parse_args().rounds
    gc.disable()  # as the worker does
    single, wide = [_message(READING)] * BATCH, [_message(_wide())]
    for name, messages in (("a reading", single), ("a metric of 9,900", wide)):
        steps = {step.__name__.strip("_"): _us(step, messages, rounds) for step in (_decode, _validate, _encode)}
        figures = ", ".join(f"{step} {us:.2f}" for step, us in _apart(steps).items())
        print(f"{name}, {len(messages[0].payload):,} bytes a message: {figures}: {steps['encode']:.2f} us", flush=True)
    ratio = _us(_encode, wide, rounds) / _us(_encode, single, rounds)
    print(verdict("codecs", ratio, "of a single reading's cost for a metric of 9,900", LIMIT, at_least=False))
    print(mapped_verdict(rounds))


def mapped_verdict(rounds: int) -> str:
    """The last line on mapped JSON, after one with both costs."""
    own, mapped = _worker_us(DEFAULT_SOURCE, READING, rounds), _worker_us(MAPPED, MAPPED_READING, rounds)
    print(f"in the worker, a reading in our own form {own:.2f} us, mapped {mapped:.2f} us", flush=True)
    unit = "times our own form, Python share"
    return verdict("clean-mapped", mapped / own, unit, MAPPED_LIMIT, at_least=False, aim=MAPPED_AIM)


def _worker_us(source: Source, reading: object, rounds: int) -> float:
    """Of a message from frame to frame."""
    decoder, outcomes = Decoder(Sources([source]), stateless_codec_of), Outcomes()
    frame = _gathered(source, json.dumps(reading, separators=(",", ":")).encode())
    times = []
    for _ in range(30 * rounds):  # short ones: on a busy machine some are undisturbed
        begin = time.process_time()
        for _ in decoder.decode(frame, outcomes):
            pass
        times.append((time.process_time() - begin) / BATCH)
    if outcomes.keys() != {(source.name, READING_OUTCOME)}:
        raise RuntimeError(f"the benchmark's message is refused: {outcomes}")
    return 1e6 * min(times)


def _gathered(source: Source, payload: bytes) -> bytes:
    """The frame of a batch, as clean_telemetry gathers it."""
    now, topic = str(NOW_MS).encode(), source.topic[0].replace("{device}", "pump-7").encode()
    headers = framing.encode([(b"source", source.name.encode()), (b"mqtt_topic", topic), (b"received_at", now)])
    numbers = ((0).to_bytes(8), *(number.to_bytes(8) for number in (17, NOW_MS)))
    return framing.encode([(b"pump-7", payload, source.name.encode(), topic, now, *numbers, headers)] * BATCH)


def _message(document: object) -> Message:
    payload = json.dumps(document, separators=(",", ":")).encode()
    return Message(payload, "pump-7", received_at_ms=NOW_MS, append_time_ms=NOW_MS)


def _wide() -> dict[str, object]:
    return {"ts": NOW_MS, "values": {f"metric {number:04}": number / 10 for number in range(WIDTH)}}


def _us(step: Callable[[Sequence[Message]], int], messages: Sequence[Message], rounds: int) -> float:
    """CPU microseconds an item."""
    times = []
    for _ in range(rounds):
        begin, items = time.process_time(), 0
        while items < 30_000:
            items += step(messages)
        times.append((time.process_time() - begin) / items)
    return 1e6 * min(times)


def _apart(cumulated: dict[str, float]) -> dict[str, float]:
    """Each step alone, of steps that contain those before them."""
    before = (0.0, *cumulated.values())
    return {step: us - earlier for (step, us), earlier in zip(cumulated.items(), before, strict=False)}


def _decode(messages: Sequence[Message]) -> int:
    return sum(len(codec.decode(message)) for message in messages)


def _validate(messages: Sequence[Message]) -> int:
    return sum(len(validator.readings(message, codec)) for message in messages)


def _encode(messages: Sequence[Message]) -> int:
    readings: list[ValidReading] = []
    for offset, message in enumerate(messages):
        outcomes = validator.readings(message, codec)
        for number, outcome in enumerate(outcomes):
            if isinstance(outcome, ValidReading):
                outcome.position = ItemPosition("telemetry.raw", 0, offset, number, len(outcomes))
                readings.append(outcome)
            elif isinstance(outcome, Rejection):
                raise RuntimeError(f"the benchmark's message is refused: {outcome.reason}")
    return len(encoded(readings))


if __name__ == "__main__":
    run(main)
