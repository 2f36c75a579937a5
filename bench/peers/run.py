"""One system with one detector: a backlog for its cost, a steady rate for its latency, a kill in the middle of that."""

import statistics
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack

from bench.peers.comparison import damage
from bench.peers.cpu_samples import Sample, records_per_cpu_s
from bench.peers.expected import Expected
from bench.peers.readings import RATE, Readings
from bench.peers.scores import ScoreWatch, written
from bench.peers.systems import System
from bench.peers.table import Row
from bench.topic_ends import TopicEnds

LOOK_EVERY_S = 0.1
SETTLE_S, BEFORE_KILL_S, AFTER_KILL_S = 5.0, 15.0, 15.0
COMPLETE_WITHIN_S = 120.0


def measure(
    system: System, name: str, detector: str, bootstrap: str, readings: Readings, expected: Expected, within_s: float
) -> Row:
    """Everything about it; the system is stopped at the end.

    One that has not worked off the backlog `within_s` gets no figures but how far it came: it may have done nothing yet
    but make its models, which says little of its speed.
    """
    ends = TopicEnds(bootstrap, system.scores)
    starts = {partition.partition: end for partition, end in ends.of_partitions().items()}
    before = ends()
    system.start()
    try:
        samples = _backlog(system, lambda: ends() - before, readings.count, within_s)
        if (done := samples[-1]).records < readings.count:
            cpu_s = done.cpu_s - samples[0].cpu_s
            note = f"{done.records / readings.count:.0%} of the backlog within {within_s:.0f} s, {cpu_s:.0f} s of CPU"
            print(f"{name}, {detector}: {note}", flush=True)
            return Row(detector, name, note=note)
        rate = records_per_cpu_s(samples)
        print(f"{name}, {detector}: {rate:,.0f} readings a CPU second", flush=True)
        committed_ms, uncommitted_ms, again_after_s = _killed_in_the_middle(system, bootstrap, readings)
    finally:
        system.stop()
    found = damage(expected.scores(readings), written(bootstrap, system.scores, starts))
    row = Row(detector, name, rate, committed_ms, uncommitted_ms, found, again_after_s)
    print(row, flush=True)
    return row


def _backlog(system: System, done: Callable[[], int], records: int, within_s: float) -> list[Sample]:
    samples = [Sample(0, system.cpu_s())]
    began = time.monotonic()
    while samples[-1].records < records and time.monotonic() - began < within_s:
        time.sleep(LOOK_EVERY_S)
        if (count := done()) > samples[-1].records:
            samples.append(Sample(count, system.cpu_s()))
            if len(samples) == 2:
                began = time.monotonic()  # how long it takes to start is no matter of its speed
        elif len(samples) == 1 and time.monotonic() - began > 2 * within_s:
            break
    return samples


def _killed_in_the_middle(
    system: System, bootstrap: str, readings: Readings
) -> tuple[tuple[float, float], tuple[float, float], float | None]:
    """Latencies before the kill, of committed records and of all, and seconds until what came after it is scored."""
    stop, first = threading.Event(), readings.count
    with ExitStack() as stack:
        committed, uncommitted = (
            stack.enter_context(ScoreWatch(bootstrap, system.scores, isolation))
            for isolation in ("read_committed", "read_uncommitted")
        )
        sender = threading.Thread(target=readings.send_steadily, args=(stop,))
        sender.start()
        try:
            time.sleep(SETTLE_S + BEFORE_KILL_S)
            killed_at = time.time()
            system.kill()
            system.restart()
            time.sleep(AFTER_KILL_S)
        finally:
            stop.set()
            sender.join()
        wanted = range(first, readings.count)
        given_up_at = time.monotonic() + COMPLETE_WITHIN_S
        while time.monotonic() < given_up_at and not all(number in committed.seen_at for number in wanted):
            time.sleep(LOOK_EVERY_S)
    sent_at = {number: readings.sent_at[number] for number in wanted}
    undisturbed = range(first + round(SETTLE_S * RATE), first + round((SETTLE_S + BEFORE_KILL_S / 2) * RATE))
    after = [committed.seen_at[n] for n in wanted if sent_at[n] > killed_at and n in committed.seen_at]
    p = [
        percentiles_ms([watch.seen_at[n] - sent_at[n] for n in undisturbed if n in watch.seen_at])
        for watch in (committed, uncommitted)
    ]
    return p[0], p[1], min(after) - killed_at if after else None


def percentiles_ms(seconds: list[float]) -> tuple[float, float]:
    """p50 and p99, in ms."""
    hundredths = statistics.quantiles(seconds, n=100)
    return hundredths[49] * 1000, hundredths[98] * 1000
