"""A real supervisord with a small server, in a folder whose name is too long for a unix socket."""

import os
import signal
import sys
import time

import pytest

from stack import orphans
from stack.errors import NotRunning
from stack.layout import Layout
from stack.server import Server
from stack.supervision import Supervision


class Sleeper(Server):
    name = "sleeper"
    stop_within_s = 5
    sleeps_s = 60

    def command(self):
        return [sys.executable, "-c", f"import time; time.sleep({self.sleeps_s})"]

    def check(self):
        return


@pytest.fixture
def supervision(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path.parent))
    layout = Layout(tmp_path / ("long-name-" * 12))
    supervision = Supervision(layout)
    supervision.write_configuration([Sleeper(layout)])
    supervision.start()
    yield supervision
    orphans.end(orphans.find(layout.home), within_s=5)


def eventually(condition, within_s=10):
    until = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until, "not within the time"
        time.sleep(0.05)


def pid(supervision):
    return supervision.process("sleeper")["pid"]


def test_a_killed_process_is_started_again_and_counted(supervision):
    supervision.start_process("sleeper")
    first = pid(supervision)
    eventually(lambda: supervision.process("sleeper")["statename"] == "RUNNING")
    os.kill(first, signal.SIGKILL)
    eventually(lambda: pid(supervision) not in (0, first))
    assert supervision.starts() == {"sleeper": 2}


def test_a_restart_on_request_is_not_counted_as_one_that_supervisord_made(supervision):
    supervision.start_process("sleeper")
    supervision.stop(["sleeper"])
    supervision.start_process("sleeper")
    assert supervision.starts() == {"sleeper": 1}


def test_starting_twice_is_no_error(supervision):
    supervision.start_process("sleeper")
    supervision.start_process("sleeper")
    assert supervision.starts() == {"sleeper": 1}


def test_what_runs_is_found_as_the_stacks_own(supervision):
    supervision.start_process("sleeper")

    def marks():
        return {each.environ().get(orphans.MARK) for each in orphans.find(supervision.layout.home)}

    # Between fork and exec a child still has its parent's environment, and while it is replaced it has none.
    eventually(lambda: marks() == {"supervisord", "sleeper"})


def test_a_changed_command_is_taken_over_and_an_unchanged_one_runs_on(supervision):
    supervision.start_process("sleeper")
    first = pid(supervision)
    supervision.reload()
    assert pid(supervision) == first
    changed = Sleeper(supervision.layout)
    changed.sleeps_s = 61
    supervision.write_configuration([changed])
    supervision.reload()
    assert pid(supervision) == 0


def test_moved_ports_are_a_change(supervision):
    supervision.start_process("sleeper")
    moved = Layout(supervision.layout.home, 1)
    Supervision(moved).write_configuration([Sleeper(moved)])
    Supervision(moved).reload()
    assert pid(supervision) == 0


def test_shutting_down_leaves_nothing(supervision):
    supervision.start_process("sleeper")
    # A SIGTERM between fork and exec is lost, and supervisord kills after `stop_within_s`.
    eventually(lambda: supervision.process("sleeper")["statename"] == "RUNNING")
    supervision.stop(["sleeper", "unknown"])
    supervision.shut_down()
    assert orphans.find(supervision.layout.home) == []
    assert not supervision.answers()
    with pytest.raises(NotRunning):
        supervision.processes()


@pytest.mark.parametrize(("status", "state"), [(78, "EXITED"), (1, "RUNNING")])
def test_a_process_that_no_restart_helps_stays_down_and_any_other_is_started_again(
    tmp_path, monkeypatch, status, state
):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path.parent))
    once = tmp_path / "ended-once"

    class Ends(Sleeper):
        stays_down_at = 78

        def command(self):
            # Once, and late enough for supervisord to take it for no failed start.
            ends = f"p=pathlib.Path({str(once)!r}); e=p.exists(); p.touch(); time.sleep(60 if e else 3.5); "
            return [sys.executable, "-c", f"import pathlib, sys, time; {ends}sys.exit({status})"]

    layout = Layout(tmp_path / "home")
    supervision = Supervision(layout)
    supervision.write_configuration([Ends(layout)])
    supervision.start()
    try:
        supervision.start_process("sleeper")
        first = pid(supervision)
        eventually(lambda: pid(supervision) != first)
        eventually(lambda: supervision.process("sleeper")["statename"] == state)
        assert supervision.starts() == {"sleeper": 1 if state == "EXITED" else 2}
    finally:
        orphans.end(orphans.find(layout.home), within_s=5)


@pytest.mark.parametrize("ask", [Supervision.processes, Supervision.starts, lambda each: each.process("sleeper")])
def test_where_no_stack_runs_a_question_about_it_says_so(tmp_path, ask):
    supervision = Supervision(Layout(tmp_path / "home"))
    assert not supervision.answers()
    with pytest.raises(NotRunning, match="headrace up"):
        ask(supervision)
