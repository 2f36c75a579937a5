"""Requests at a fixed rate, by Debian's h2load (package nghttp2-client): what an answer takes below saturation.

Each connection is a process of its own, with users in an order of its own: the connections of one h2load ask for the
same one after the other, and the instance's cache would answer. A connection asks when it is time, or once the request
before it is answered; a time is from sending to the end of the answer.
"""

import random
import statistics
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from stack import programs

WARM_S = 3
"""Left out at the beginning: connections are made, and the processes begin one after the other."""


class Steady(NamedTuple):
    """Of one round. `rate` in requests a second as answered, latencies in ms."""

    rate: float
    p50_ms: float
    p99_ms: float
    worst_ms: float
    failed: int


def steady_load(url: str, key: str, rate: float, seconds: int, connections: int, users: int) -> Steady:
    """Lists of users drawn at random, `rate` a second over all connections, for so many seconds."""
    h2load = programs.find("h2load")
    with TemporaryDirectory() as name:
        folder = Path(name)
        running = [
            subprocess.Popen(
                [
                    str(h2load), "--h1", "--clients=1", f"--rps={rate / connections:g}",
                    f"--duration={seconds + WARM_S}", f"--header=X-API-Key: {key}",
                    f"--input-file={_questions(folder, number, url, users)}", f"--log-file={folder / f'{number}.log'}",
                ],
                stdout=subprocess.DEVNULL,
            )
            for number in range(connections)
        ]  # fmt: skip
        ended = [process.wait(seconds + 60) for process in running]
        if any(ended):
            raise RuntimeError(f"h2load failed: {ended}")
        return _of(sorted(_answers(folder)), seconds)


def _questions(folder: Path, number: int, url: str, users: int) -> Path:
    draw = random.Random(number)
    path = folder / f"{number}.txt"
    path.write_text(
        "".join(f"{url}/users/user-{draw.randint(1, users)}/recommendations?limit=10\n" for _ in range(5000))
    )
    return path


def _answers(folder: Path) -> Iterator[tuple[int, int, int]]:
    """When each was sent, in us since the epoch; its status; how long it took, in us."""
    for log in folder.glob("*.log"):
        for line in log.read_text().splitlines():
            sent_us, status, took_us = line.split("\t")[:3]
            yield int(sent_us), int(status), int(took_us)


def _of(answers: list[tuple[int, int, int]], seconds: int) -> Steady:
    begins_us = answers[0][0] + WARM_S * 1_000_000
    counted = [each for each in answers if begins_us <= each[0] < begins_us + seconds * 1_000_000]
    took_ms = sorted(took_us / 1000 for _, _, took_us in counted)
    hundredths = statistics.quantiles(took_ms, n=100)
    failed = sum(status != 200 for _, status, _ in counted)
    return Steady(len(counted) / seconds, hundredths[49], hundredths[98], took_ms[-1], failed)
