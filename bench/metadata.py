"""What the metadata of devices cost: CPU a reading in the worker of store_influxdb and in InfluxDB, with and without.

    python -m bench.metadata [--rounds 5] [--readings 60000]

The store's UDF on a real InfluxDB and a real topic `devices`, called as Flink calls it, without Flink: the JVM's part
is the same plan and the same bytes with metadata and without. Turn by turn the devices are put into the topic, or taken
out of it. A first turn warms everything up and does not count.
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Iterator
from functools import partial

import pandas
import psutil
from pyflink.table import FunctionContext

from bench.command_line import run
from bench.report import verdict
from bench.stack import bench_stack
from connectors.kafka.clients import create_topics, producer
from jobs.operators.write_to_store import WriteToStore
from jobs.store_influxdb import connect, points
from schemas.reject_reasons import RejectReason
from schemas.topics import DEVICES, TELEMETRY_READINGS
from stack.layout import Layout
from stack.supervision import Supervision

FLEET = 100
BATCH = 200
"""What 2,000 readings a second are in 100 ms."""
BEGIN_MS = 1_790_000_000_000
LIMIT_US = 20.0
"""At 2,000 readings a second a fiftieth of two cores."""


class _Metrics:
    """Counts nothing: there is no Flink here."""

    def counter(self, name: str) -> "_Metrics":
        return self

    def inc(self, n: int = 1) -> None:
        pass


Turn = dict[str, float]
"""CPU microseconds a reading, by process."""


def main() -> None:
    arguments = _arguments()
    with bench_stack("--only", "kafka,influxdb") as layout:
        os.environ.update(layout.environment())  # the writer finds this stack
        create_topics(layout.endpoints.kafka)
        turns: dict[bool, list[Turn]] = {True: [], False: []}
        for number, known in enumerate(_order(arguments.rounds)):
            _register(layout, known)
            turn = _turn(layout, arguments.readings, BEGIN_MS + number * arguments.readings)
            figures = ", ".join(f"{process} {cost:.1f}" for process, cost in turn.items())
            print(f"{'with' if known else 'without':8}{figures} us a reading", flush=True)
            if number:
                turns[known].append(turn)
    without, with_ = (_medians(turns[known]) for known in (False, True))
    for process in without:
        print(f"{process}: {without[process]:.1f} us without, {with_[process]:.1f} us with")
    more = sum(with_.values()) - sum(without.values())
    print(verdict("metadata", more, "us of CPU a reading", LIMIT_US, at_least=False))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--readings", type=int, default=60_000, help="of a turn")
    return parser.parse_args()


def _medians(turns: list[Turn]) -> Turn:
    return {process: statistics.median(turn[process] for turn in turns) for process in turns[0]}


def _order(rounds: int) -> Iterator[bool]:
    """Whether the devices are known; the warm-up, then pairs of which neither side is always the first."""
    yield True
    for number in range(rounds):
        yield from (number % 2 == 0, number % 2 == 1)


def _register(layout: Layout, known: bool) -> None:
    client = producer(layout.endpoints.kafka, client_id="bench")
    for number in range(FLEET):
        row = {"device": _device(number), "site": f"Works {number % 7}", "model": "P-200", "owner": "ACME Pumps Ltd"}
        client.send(DEVICES.name, key=row["device"].encode(), value=json.dumps(row).encode() if known else None)
    client.flush()
    client.close()


def _turn(layout: Layout, readings: int, begin_ms: int) -> Turn:
    influxd, worker = psutil.Process(Supervision(layout).process("influxdb")["pid"]), psutil.Process()
    rows = partial(points, layout.endpoints.kafka)
    write = WriteToStore("bench", RejectReason.REFUSED_BY_INFLUXDB, connect, rows)
    write.open(FunctionContext(_Metrics(), {}, index_of_this_subtask=0))
    topics = pandas.Series([TELEMETRY_READINGS.name] * BATCH)
    partitions, offsets = pandas.Series([0] * BATCH), pandas.Series(range(BATCH))
    batches = [_batch(begin_ms + first) for first in range(0, readings, BATCH)]
    before_s = [sum(process.cpu_times()[:2]) for process in (worker, influxd)]
    for batch in batches:
        write.eval(topics, partitions, offsets, batch)
    worker_s = sum(worker.cpu_times()[:2])
    time.sleep(2)  # what InfluxDB does behind its answers
    spent_s = (worker_s - before_s[0], sum(influxd.cpu_times()[:2]) - before_s[1])
    write.close()
    return {name: seconds / readings * 1e6 for name, seconds in zip(("worker", "influxd"), spent_s, strict=True)}


def _batch(begin_ms: int) -> pandas.Series:
    return pandas.Series([_reading(begin_ms + number) for number in range(BATCH)], dtype=object)


def _reading(event_time: int) -> bytes:
    position = {"topic": "telemetry.raw", "partition": 0, "offset": event_time - BEGIN_MS}
    measured = {"metric": "temperature", "event_time": event_time, "value": 20 + event_time % 7}
    return json.dumps({"device": _device(event_time), **measured, "position": position}).encode()


def _device(number: int) -> str:
    return f"device-{number % FLEET:03}"


if __name__ == "__main__":
    run(main)
