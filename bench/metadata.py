"""What the metadata of devices cost: CPU a reading of store_influxdb and of InfluxDB, with three fields and without.

    python -m bench.metadata [--rounds 3] [--readings 120000]

The same job and stack, turn by turn: before a turn the devices are put into the topic `devices`, or taken out of it,
and fresh readings are put before the job. A first turn warms everything up and does not count.
"""

import argparse
import json
import re
import statistics
from collections.abc import Iterator
from itertools import pairwise

import httpx
import psutil

from bench.job_cost import run_job
from bench.stack import bench_stack
from bench.verdict import verdict
from connectors.kafka import create_topics, producer
from headrace.stack.layout import Layout
from headrace.stack.supervision import Supervision
from schemas.topics import DEVICES, TELEMETRY_READINGS

SERVERS = "zookeeper,kafka,influxdb,forkserver,jobmanager,taskmanager"
FLEET = 100
BEGIN_MS = 1_790_000_000_000
LIMIT_US = 50.0
"""At 2,000 readings a second a twentieth of the two cores."""

Turn = dict[str, float]
"""CPU microseconds a reading, by process."""


def main() -> None:
    arguments = _arguments()
    with bench_stack("--only", SERVERS) as layout:
        create_topics(layout.endpoints.kafka)
        turns: dict[bool, list[Turn]] = {True: [], False: []}
        for number, known in enumerate(_order(arguments.rounds)):
            turn = _turn(layout, known, arguments.readings, number)
            told = ", ".join(f"{process} {cost:.1f}" for process, cost in turn.items())
            print(f"{'with' if known else 'without':8}{told} us a reading", flush=True)
            if number:
                turns[known].append(turn)
    without, with_ = (_medians(turns[known]) for known in (False, True))
    for process in without:
        print(f"{process}: {without[process]:.1f} us without, {with_[process]:.1f} us with")
    more = sum(with_.values()) - sum(without.values())
    print(verdict("metadata", more, "us of CPU a reading", LIMIT_US, at_least=False))


def _medians(turns: list[Turn]) -> Turn:
    return {process: statistics.median(turn[process] for turn in turns) for process in turns[0]}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--readings", type=int, default=120_000, help="of a turn")
    return parser.parse_args()


def _order(rounds: int) -> Iterator[bool]:
    """Whether the devices are known; the warm-up, then pairs of which neither side is always the first."""
    yield True
    for number in range(rounds):
        yield from (number % 2 == 0, number % 2 == 1)


def _turn(layout: Layout, known: bool, readings: int, number: int) -> Turn:
    _fill(layout, known, readings, BEGIN_MS + number * readings)
    influxd = psutil.Process(Supervision(layout).process("influxdb")["pid"])
    before, marks = _points(layout), []

    def mark() -> None:
        marks.append((_points(layout), sum(influxd.cpu_times()[:2])))

    (cost,) = run_job(layout, "jobs.store_influxdb", [], readings, lambda: _points(layout) - before, at_mark=mark)
    ((points, cpu_s),) = ((later[0] - earlier[0], later[1] - earlier[1]) for earlier, later in pairwise(marks))
    return {"JVM": cost.jvm_us, "worker": cost.python_us, "influxd": cpu_s / points * 1e6}


def _fill(layout: Layout, known: bool, readings: int, begin_ms: int) -> None:
    client = producer(layout.endpoints.kafka, client_id="bench", linger_ms=20)
    for number in range(FLEET):
        row = {"device": _device(number), "site": f"Works {number % 7}", "model": "P-200", "owner": "ACME Pumps Ltd"}
        client.send(DEVICES.name, key=row["device"].encode(), value=json.dumps(row).encode() if known else None)
    for number in range(readings):
        position = {"topic": "telemetry.raw", "partition": 0, "offset": number}
        measured = {"metric": "temperature", "event_time": begin_ms + number, "value": 20 + number % 7}
        reading = {"device": _device(number), **measured, "position": position}
        client.send(TELEMETRY_READINGS.name, key=reading["device"].encode(), value=json.dumps(reading).encode())
    client.flush()
    client.close()


def _device(number: int) -> str:
    return f"device-{number % FLEET:03}"


def _points(layout: Layout) -> int:
    """What InfluxDB has taken in since it started."""
    text = httpx.get(f"{layout.endpoints.influxdb_url}/metrics", timeout=30).text
    return int(float(re.findall(r"^storage_writer_ok_points_sum\S* (\S+)$", text, re.MULTILINE)[0]))


if __name__ == "__main__":
    main()
