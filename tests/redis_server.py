"""A Redis of a test module's own: real, on a free port, in a folder that goes with it."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from bench.free_port import free_port
from stack import programs

ANSWERS_WITHIN_S = 10


@contextmanager
def redis_server(folder: Path) -> Iterator[int]:
    """Its port."""
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", "", "--maxmemory-policy"]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen([str(programs.find("redis-server")), *options, "noeviction"], stdout=log)
    try:
        _wait(port)
        yield port
    finally:
        server.terminate()
        server.wait(10)


def _wait(port: int) -> None:
    deadline = time.monotonic() + ANSWERS_WITHIN_S
    while time.monotonic() < deadline:
        try:
            redis.Redis(port=port).ping()
        except redis.exceptions.RedisError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(f"redis-server did not answer within {ANSWERS_WITHIN_S} s")
