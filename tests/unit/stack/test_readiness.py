"""Waiting ends: with a ready server, or with the reason and the end of its log."""

from threading import Event

import pytest
from rich.console import Console

from stack import ports, readiness
from stack.errors import NotReady, PortBusy
from stack.layout import Layout
from stack.readiness import Display, GivenUp, wait_for
from stack.server import NotYet, Server


class Slow(Server):
    """Ready at the third question."""

    name = "slow"
    ready_within_s = 1
    answers_at = 3

    def __init__(self, layout):
        super().__init__(layout)
        self.asked = 0
        self.set_ups = 0

    def command(self):
        return ["true"]

    def check(self):
        self.asked += 1
        if self.asked < self.answers_at:
            raise NotYet("still warming up")

    def set_up(self):
        self.set_ups += 1


class Never(Slow):
    answers_at = 10**9


class SlowToGiveUp(Never):
    ready_within_s = 60


class FakeSupervision:
    def __init__(self, state="RUNNING", exit_status=0, dies_again=True):
        self.state, self.exit_status, self.dies_again, self.stops = state, exit_status, dies_again, 0

    def process(self, name):
        self.stops += self.dies_again
        return {
            "statename": self.state, "stop": self.stops, "now": 1, "spawnerr": "", "exitstatus": self.exit_status
        }  # fmt: skip


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr(readiness, "PAUSE_S", 0.01)


def wait(server, supervision=None, given_up=None):
    display = Display(Console(quiet=True), [server.name])
    wait_for(server, supervision or FakeSupervision(), display, given_up or Event())


def test_a_server_is_set_up_once_it_answers(tmp_path):
    server = Slow(Layout(tmp_path))
    wait(server)
    assert (server.asked, server.set_ups) == (3, 1)


def test_a_server_that_takes_too_long_is_named_with_its_reason_and_its_log(tmp_path):
    layout = Layout(tmp_path)
    layout.log("slow").write_text("first line\nlast words\n")
    with pytest.raises(NotReady) as error:
        wait(Never(layout))
    assert "slow is not ready after 1 s: still warming up" in str(error.value)
    assert "last words" in str(error.value)
    assert str(layout.log("slow")) in str(error.value)


def test_a_server_that_dies_again_and_again_is_not_waited_for(tmp_path):
    server = SlowToGiveUp(Layout(tmp_path))
    with pytest.raises(NotReady, match="does not stay up"):
        wait(server, FakeSupervision("BACKOFF"))


def test_a_server_that_no_restart_helps_is_not_waited_for(tmp_path):
    layout = Layout(tmp_path)
    layout.log("slow").write_text("Another bridge has the client id.\n")
    server = type("StaysDown", (SlowToGiveUp,), {"stays_down_at": 78})(layout)
    with pytest.raises(NotReady, match="Another bridge has the client id"):
        wait(server, FakeSupervision("EXITED", exit_status=78, dies_again=False))


def test_waiting_ends_when_another_server_failed(tmp_path):
    given_up = Event()
    given_up.set()
    with pytest.raises(GivenUp):
        wait(Never(Layout(tmp_path)), given_up=given_up)


def test_a_busy_port_is_named_with_the_way_out(tmp_path):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = type("Busy", (Slow,), {"standard_ports": (port,)})(Layout(tmp_path))
        with pytest.raises(PortBusy, match=rf"Port {port} of slow is taken.*headrace up --port-offset"):
            ports.require_free([server])
    ports.require_free([server])
