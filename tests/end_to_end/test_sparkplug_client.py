"""A published Sparkplug client at a real Mosquitto: the bridge and the decoder of clean_telemetry understand it.

No stack is needed: Kafka is in memory, and what clean_telemetry decodes is decoded here.
"""

import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from connectors.mqtt_bridge.commands import CommandPublisher
from jobs.operators.session_decoder import SessionDecoder
from jobs.operators.sessions import Sessions
from payload_codecs.registry import codec_of
from schemas.dead_letter import DeadLetter
from schemas.presets import preset_fields
from schemas.reading import Reading
from schemas.source import DEFAULT_SOURCE, Source
from schemas.sources import Sources
from tests.end_to_end.test_mqtt_sessions import Here, RunningBridge, mosquitto, until
from tests.raw_messages import Message, gathered
from tests.unit.jobs.cleaning.outcomes import crossed

__all__ = ["mosquitto"]  # a fixture

PLANT = Source(**{**preset_fields("sparkplug-b"), "name": "plant"})
SCRIPT = Path(__file__).with_name("sparkplug_edge_node.py")
PATIENCE_S = 60
NODE, ARM = "plant/press", "plant/press/arm 1"


class Store(dict[str, bytes]):
    """A map of keyed state that outlives its worker."""

    put = dict.__setitem__


class Cleaning:
    """Decodes what the bridge has stored, as clean_telemetry does, and gives the bridge what it has to send."""

    def __init__(self, bridge: RunningBridge, here: Here) -> None:
        self._records = here.topics
        self._read = 0
        self._state = Store(), Store()
        self.readings: list[Reading] = []
        self.letters: list[DeadLetter] = []
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self._publisher = CommandPublisher(bridge.client)
        self.start(PLANT)
        self._keep_session = bridge.loop.every_second
        bridge.loop.every_second = self._every_second

    def _every_second(self) -> None:
        self._keep_session()
        self._publisher.publish()

    def start(self, *sources: Source) -> None:
        """The next worker, on the state of the one before it: after a crash, or after `headrace source apply`."""
        sessions = Sessions(*self._state)
        sessions.enter(1)
        self._sessions, self._decoder = sessions, SessionDecoder(Sources(sources), codec_of, sessions)

    def read(self) -> None:
        records = self._records.raw[self._read :]
        self._read += len(records)
        now_ms = int(time.time() * 1000)
        messages = [Message(each.value, (each.key or b"").decode(), dict(each.headers), now_ms) for each in records]
        for item in crossed(self._decoder.decode(gathered(messages), self.outcomes)):
            if item.is_command:
                self._publisher.take([SimpleNamespace(value=item.record)])
            elif item.identity is not None:
                self.readings.append(Reading.model_validate_json(item.record))
            elif not item.is_ignored:
                self.letters.append(DeadLetter.model_validate_json(item.record))
        self._sessions.store()

    def values(self, device: str, metric: str) -> list[float]:
        return [each.value for each in self.readings if (each.device, each.metric) == (device, metric)]

    def wait_for(self, device: str, metric: str, *values: float) -> None:
        """Until the last values of a series are these."""

        def came() -> bool:
            self.read()
            return self.values(device, metric)[-len(values) :] == list(values)

        until(
            came, f"{device} {metric} ends with {values[-3:]}: {self.values(device, metric)[-5:]}, {self.letters[-2:]}"
        )


class Client:
    """The published client, as a process of its own."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def says(self, word: str) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.strip() == word:
                return
        raise AssertionError(f"the client ended before it said {word}")

    def do(self, command: str, number: int = 0) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{command} {number}\n")
        self.process.stdin.flush()
        self.says(command)


@pytest.fixture
def here(mosquitto) -> Here:
    return Here(mosquitto)


@pytest.fixture
def cleaning(here: Here) -> Iterator[Cleaning]:
    with here.bridge(PLANT, DEFAULT_SOURCE) as bridge:
        yield Cleaning(bridge, here)


@pytest.fixture(scope="module")
def environment() -> list[str]:
    """The command that runs the client; its environment is made on the way."""
    uv = shutil.which("uv") or str(Path(__file__).parents[2] / ".tools" / "bin" / "uv")
    return [uv, "run", "--quiet", "--frozen", "--python", sys.executable, "--script", str(SCRIPT)]


@pytest.fixture
def client(here: Here, environment: list[str]):
    @contextmanager
    def started(kind: str) -> Iterator[Client]:
        command = [*environment, str(here.mosquitto.port), "press", kind]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            running = Client(process)
            running.says("born")
            yield running
        finally:
            process.kill()
            process.communicate(timeout=PATIENCE_S)

    return started


def test_a_client_with_aliases_is_read_from_its_birth_to_its_death(cleaning: Cleaning, client) -> None:
    with client("aliases") as node:
        cleaning.wait_for(ARM, "Speed", 2**63 + 2**11)
        assert cleaning.values(NODE, "$online") == cleaning.values(ARM, "$online") == [1]
        assert cleaning.values(NODE, "Flow") == [-1]
        node.do("send", 600)  # the sequence number wraps twice
        node.do("send_device", 200)
        cleaning.wait_for(ARM, "Torque", -300, -200)
        assert cleaning.values(NODE, "Flow") == [-1, *range(600)]
        assert cleaning.letters == []
        node.do("remove_device")
        cleaning.wait_for(ARM, "$online", 1, 0)
    # Killed: the broker publishes its will.
    cleaning.wait_for(NODE, "$online", 1, 0)
    assert cleaning.values(ARM, "$online") == [1, 0]
    assert {reason for _, reason in cleaning.outcomes} == {"reading"}


def test_a_client_whose_message_was_lost_is_asked_for_a_rebirth_and_answers(cleaning: Cleaning, client) -> None:
    with client("aliases") as node:
        cleaning.wait_for(NODE, "Flow", -1)
        node.do("lose", 1)
        node.do("send", 1)
        until(lambda: (cleaning.read(), cleaning.letters)[1] != [], "a message after the gap is a dead letter")
        (letter,) = cleaning.letters
        assert letter.reason == "unknown_metric"
        node.says("reborn")
        node.do("send", 2)
        cleaning.wait_for(NODE, "Flow", -1, -1, 1, 2)
        node.do("send_device", 7)
        cleaning.wait_for(ARM, "Torque", -300, -300, -7)
    assert len(cleaning.letters) == 1
    assert cleaning.outcomes["plant", "ignored"] == 1, "our own NCMD"


def test_a_client_goes_on_without_a_rebirth_while_the_worker_and_the_sources_change(cleaning: Cleaning, client) -> None:
    with client("aliases") as node:
        cleaning.wait_for(NODE, "Flow", -1)
        for number in range(4):
            node.do("send", 100)
            cleaning.start(PLANT.model_copy(update={"rename": {"Torque": f"Torque {number}"}}))
        node.do("send_device", 5)
        cleaning.wait_for(ARM, "Torque 3", -5)
        assert cleaning.values(NODE, "Flow") == [-1, *range(400)]
        assert cleaning.letters == []
    assert ("plant", "command") not in cleaning.outcomes


def test_a_client_whose_session_is_lost_with_its_source_is_asked_for_a_rebirth_and_answers(
    cleaning: Cleaning, client
) -> None:
    with client("aliases") as node:
        cleaning.wait_for(NODE, "Flow", -1)
        cleaning.start(PLANT.model_copy(update={"name": "line"}))
        node.do("send", 1)
        until(lambda: (cleaning.read(), cleaning.letters)[1] != [], "a message without a session is a dead letter")
        node.says("reborn")
        node.do("send", 2)
        cleaning.wait_for(NODE, "Flow", -1, -1, 1, 2)
    assert [letter.reason for letter in cleaning.letters] == ["unknown_metric"]
    assert cleaning.outcomes["line", "command"] == 1


def test_a_client_that_names_its_metrics_is_read_from_its_birth_to_its_leave(cleaning: Cleaning, client) -> None:
    with client("names") as node:
        cleaning.wait_for(ARM, "Torque", -300)
        node.do("send", 300)
        node.do("send_device", 4)
        cleaning.wait_for(ARM, "Torque", -300, -4)
        assert cleaning.values(NODE, "Flow") == [-1, *range(300)]
        # Its death names the session that it would begin next.
        node.do("leave")
        cleaning.wait_for(NODE, "$online", 1, 0)
    assert cleaning.letters == []
