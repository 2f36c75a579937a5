"""One instance of the REST API on one core: requests per second, latencies, and Redis memory per list.

    python -m bench.serving [--rounds 3] [--seconds 15] [--users 100000]

It starts its own stack with Redis and Kafka only. The instance is pinned to one core; wrk, with 50 connections, and
the two servers share another. Each request is for a random user, out of so many that the instance's cache, which holds
a value for half a second, seldom helps; the hit rate is printed. Every list is an exposure in Kafka; dropped ones are
printed too. There is no HAProxy between the load and the instance.

wrk sends as fast as it gets answers. h2load measures latencies at a fixed rate below that.
"""

import argparse
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import psutil
from redis import Redis

from bench.command_line import require_programs, run
from bench.report import verdict
from bench.stack import bench_stack
from bench.steady_load import Steady, steady_load
from connectors import http_clients
from connectors.endpoints import SERVING_PORT
from connectors.pseudonyms import KEY_FILE, read_key
from headrace.polling import wait_until
from schemas.redis_keys import POPULAR_ITEMS, RECOMMENDATIONS, WITHDRAWN_ITEMS
from schemas.topics import EXPOSURES
from stack import programs
from stack.layout import Layout
from stack.pseudonym_key import require_key
from stack.secrets import SERVING_KEY, secret

PROGRAMS = ("wrk", "h2load", "taskset")
CONNECTIONS = 50
ITEMS, CATALOGUE = 50, 5000
WITHDRAWN = 100
RATE_LIMIT, P99_LIMIT_MS, MEMORY_LIMIT_BYTES = 1500, 25.0, 3000
STEADY_RATES = (2000, 4000)
RATE_AIM, P99_AIM_MS, MEMORY_AIM_BYTES = 4000, 5.0, 1000

SCRIPT = """
function init(arguments)
  math.randomseed(os.time())
end
function request()
  return wrk.format("GET", "/users/user-" .. math.random({users}) .. "/recommendations?limit=10")
end
function done(summary, latency)
  local failed = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  print(string.format("figures %d %d %d %d %d", summary.requests, summary.duration, latency:percentile(50),
    latency:percentile(99), failed + summary.errors.status))
end
"""


class Figures(NamedTuple):
    """Of one round. Latencies in ms, CPU in us per request."""

    rate: float
    p50_ms: float
    p99_ms: float
    failed: int
    cpu_us: float


def main() -> None:
    arguments = _arguments()
    require_programs(*PROGRAMS)
    wrk, (instance_core, other_core) = programs.find("wrk"), cores()
    # The stack and wrk inherit it; the instance gets another core.
    os.sched_setaffinity(0, {other_core})
    with bench_stack("--only", "kafka,redis") as layout, Redis.from_url(layout.endpoints.redis_url) as redis:
        require_key(layout)
        pseudonym_of = read_key(layout.settings.secrets / KEY_FILE).pseudonym
        memory_bytes = _fill(redis, arguments.users, pseudonym_of)
        with _instance(layout, instance_core) as (url, process), _script(arguments.users) as script:
            load = [str(wrk), "-t1", f"-c{CONNECTIONS}", "-s", str(script), "-H", f"X-API-Key: {_key(layout)}", url]
            _round(load, 5, process)
            before = _counters(url)
            rounds = [_round(load, arguments.seconds, process) for _ in range(arguments.rounds)]
            steady = {rate: _steady(layout, url, rate, arguments, process) for rate in STEADY_RATES}
            _print_counters(before, _counters(url))
    _print_steady(steady)
    _print(rounds, memory_bytes)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=15, help="of a round")
    parser.add_argument("--users", type=int, default=100_000)
    return parser.parse_args()


def cores() -> tuple[int, int]:
    """The core of the instance, and those of everything else.

    Raises
    ------
    SystemExit
        Where there is only one.
    """
    ours = sorted(os.sched_getaffinity(0))
    if len(ours) < 2:
        sys.exit("✘ This benchmark needs two cores: one for the instance, one for the load.")
    return ours[0], ours[1]


def _key(layout: Layout) -> str:
    return secret(layout, SERVING_KEY)


def _fill(redis: Any, users: int, pseudonym_of: Callable[[str], str]) -> float:
    """Lists as the job writes them. Returns the bytes that one takes, its key and its expiry included."""
    draw = random.Random(17)
    names = [f"item-{number:05d}" for number in range(CATALOGUE)]
    redis.set(POPULAR_ITEMS.name, _list(draw, names, ["popular"]))
    redis.sadd(WITHDRAWN_ITEMS.name, *draw.sample(names, WITHDRAWN))
    pipeline = redis.pipeline(transaction=False)
    for user in range(1, users + 1):
        reasons = [f"goes with {name}" for name in draw.sample(names, 3)] + ["popular"]
        pipeline.set(RECOMMENDATIONS.key(pseudonym_of(f"user-{user}")), _list(draw, names, reasons), ex=7 * 24 * 3600)
        if user % 5000 == 0:
            pipeline.execute()
    pipeline.execute()
    some = [RECOMMENDATIONS.key(pseudonym_of(f"user-{user}")) for user in range(1, min(users, 1000))]
    return statistics.mean(float(redis.memory_usage(key)) for key in some)


def _list(draw: random.Random, names: list[str], reasons: list[str]) -> bytes:
    scores = sorted((float(f"{draw.random():.4g}") for _ in range(ITEMS)), reverse=True)
    return orjson.dumps({
        "items": draw.sample(names, ITEMS), "scores": scores, "why": draw.choices(range(len(reasons)), k=ITEMS),
        "reasons": reasons, "model_version": "v3", "generated_at": 1_790_000_000_000,
    })  # fmt: skip


@contextmanager
def _instance(layout: Layout, core: int) -> Iterator[tuple[str, psutil.Process]]:
    _key(layout)
    port = layout.port(SERVING_PORT + 1)
    unlimited = {"HEADRACE_SERVING_RATE_LIMIT": "1e9", "HEADRACE_SERVING_RATE_BURST": "1e9"}
    environment = layout.environment() | unlimited | {"HEADRACE_SERVING_PORT": str(port)}
    command = ["taskset", "--cpu-list", str(core), sys.executable, "-m", "serving"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until("the instance is ready", lambda: _ready(url), within_s=120)
        yield url, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(30)


def _ready(url: str) -> bool:
    try:
        return http_clients.get(f"{url}/readyz", timeout_s=2).text == "ready\n"
    except http_clients.HttpUnavailable:
        return False


@contextmanager
def _script(users: int) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "users.lua"
        path.write_text(SCRIPT.replace("{users}", str(users)))
        yield path


def _round(load: list[str], seconds: int, process: psutil.Process) -> Figures:
    before_s = sum(process.cpu_times()[:2])
    done = subprocess.run([*load, f"-d{seconds}s", "--latency"], capture_output=True, text=True, check=True)
    spent_s = sum(process.cpu_times()[:2]) - before_s
    found = re.search(r"^figures (\d+) (\d+) (\d+) (\d+) (\d+)$", done.stdout, re.MULTILINE)
    if found is None:
        sys.exit(f"✘ Cannot parse the output of wrk:\n{done.stdout}{done.stderr}")
    requests, took_us, p50_us, p99_us, failed = map(int, found.groups())
    figures = Figures(requests / took_us * 1e6, p50_us / 1000, p99_us / 1000, failed, spent_s / requests * 1e6)
    print(
        f"{figures.rate:,.0f} requests/s, p50 {figures.p50_ms:.2f} ms, p99 {figures.p99_ms:.2f} ms, "
        f"{figures.failed} failed, {figures.cpu_us:.0f} us of CPU each", flush=True,
    )  # fmt: skip
    return figures


def _steady(
    layout: Layout, url: str, rate: int, arguments: argparse.Namespace, process: psutil.Process
) -> list[Steady]:
    rounds = []
    for _ in range(arguments.rounds):
        before_s, began = sum(process.cpu_times()[:2]), time.monotonic()
        found = steady_load(url, _key(layout), rate, arguments.seconds, CONNECTIONS, arguments.users)
        busy = (sum(process.cpu_times()[:2]) - before_s) / (time.monotonic() - began)
        print(
            f"at {rate:,} requests/s ({found.rate:,.0f} answered, {busy:.0%} CPU): p50 {found.p50_ms:.2f} ms, "
            f"p99 {found.p99_ms:.2f} ms, {found.worst_ms:.1f} ms at most, {found.failed} failed", flush=True,
        )  # fmt: skip
        rounds.append(found)
    return rounds


def _counters(url: str) -> dict[str, float]:
    lines = http_clients.get(f"{url}/metrics", timeout_s=10).text.splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[:1] != "#")}


def _print_counters(before: dict[str, float], after: dict[str, float]) -> None:
    def since(name: str) -> float:
        return after[f"headrace_serving_{name}"] - before[f"headrace_serving_{name}"]

    hits, misses = since("cache_hits_total"), since("cache_misses_total")
    print(
        f"{hits / (hits + misses):.1%} of values from the cache, {misses / since('redis_round_trips_total'):.1f} lists "
        f"per round trip to Redis, {since('degraded_total'):.0f} lists degraded"
    )
    print(
        f"{EXPOSURES.name}: {since('exposures_stored_total'):,.0f} stored, {since('exposures_dropped_total'):,.0f} "
        f"dropped, {after['headrace_serving_exposures_waiting']:,.0f} waiting"
    )


def _print_steady(steady: dict[int, list[Steady]]) -> None:
    for rate, rounds in steady.items():
        p99_ms = statistics.median(each.p99_ms for each in rounds)
        print(verdict(f"serving p99 at {rate:,} requests/s", p99_ms, "ms", P99_LIMIT_MS, at_least=False))
        failed = sum(each.failed for each in rounds)
        print(verdict(f"serving failures at {rate:,} requests/s", failed, "requests", 0, at_least=False))


def _print(rounds: list[Figures], memory_bytes: float) -> None:
    failed = sum(each.failed for each in rounds)
    rate = statistics.median(each.rate for each in rounds)
    p50_ms = statistics.median(each.p50_ms for each in rounds)
    p99_ms = statistics.median(each.p99_ms for each in rounds)
    print(f"median of {len(rounds)} rounds: p50 {p50_ms:.2f} ms; {failed} requests failed")
    print(f"aims: {RATE_AIM:,} requests/s, p99 {P99_AIM_MS:g} ms, {MEMORY_AIM_BYTES:,} bytes a user")
    print(verdict("serving", rate, "requests/s", RATE_LIMIT, at_least=True))
    print(verdict("serving p99", p99_ms, "ms", P99_LIMIT_MS, at_least=False))
    print(verdict("serving failures", failed, "requests", 0, at_least=False))
    print(verdict("serving memory", memory_bytes, "bytes of Redis a user", MEMORY_LIMIT_BYTES, at_least=False))


if __name__ == "__main__":
    run(main)
