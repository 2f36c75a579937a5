"""Keeps this tier pure: no test starts a process, leaves the machine, or computes for long."""

import platform
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
MAX_CPU_S = 10.0
"""Of the processor and not of the clock: a busy machine is no failure. The slowest takes 3 s, its imports too."""
MAY_BE_ASKED = ("git",)
"""Which files the repository has is a fact about the sources, like what is in them."""
PROCESS_EVENTS = {"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.system", "os.exec"}
"""Of Python's table of audit events: https://docs.python.org/3/library/audit_events.html."""
THIS_MACHINE = ("127.0.0.1", "::1", "localhost", "", None)


class NotPure(BaseException):
    """Past every `except Exception` of the code under test."""


class Guard:
    """What Python reports before it does it, refused while a test of this tier runs."""

    def __init__(self) -> None:
        self.watches = False

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.watches:
            return
        if event in PROCESS_EVENTS and _program(event, arguments) not in MAY_BE_ASKED:
            raise NotPure(f"a test of tests/unit starts a process ({event}): move it to tests/processes")
        if event == "socket.connect" and _host(arguments[1]) not in THIS_MACHINE:
            raise NotPure(f"a test of tests/unit connects to {arguments[1]}: let it have a fake")


def _program(event: str, arguments: tuple[Any, ...]) -> str:
    return Path(str(arguments[1][0])).name if event == "subprocess.Popen" and arguments[1] else ""


def _host(address: Any) -> str | None:
    """None for a Unix socket."""
    return address[0] if isinstance(address, tuple) else None


# Python itself asks `uname` for the processor, the first time that anybody wants to know: now, and in no test.
platform.processor()

GUARD = Guard()
sys.addaudithook(GUARD)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    if HERE not in item.path.parents:
        return (yield)
    began_s = time.process_time()
    GUARD.watches = True
    try:
        result = yield
    finally:
        GUARD.watches = False
    require_short(time.process_time() - began_s)
    return result


def require_short(used_s: float) -> None:
    """Fail the test that runs, unless it took little of the processor."""
    if used_s > MAX_CPU_S:
        pytest.fail(f"{used_s:.0f} s of CPU: a test of tests/unit may take {MAX_CPU_S:.0f}. Move it to tests/training")


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> Iterator[Any]:
    """A fixture of this tier starts no process either."""
    watched = GUARD.watches
    GUARD.watches = HERE in request.node.path.parents or request.node.path == HERE
    try:
        return (yield)
    finally:
        GUARD.watches = watched
