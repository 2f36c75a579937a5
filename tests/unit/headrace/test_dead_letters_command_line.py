"""`headrace dlq`: what it refuses before it asks Kafka, and what it says when Kafka is away."""

import re
import socket

import pytest
from rich.console import Console
from typer.testing import CliRunner

from headrace.cli.main import app
from headrace.dead_letters import dead_letter_tables
from headrace.dead_letters.replay_target import replay_target
from headrace.dead_letters.replaying import Choice, ReplayTally, rehearse
from headrace.dead_letters.stored_dead_letter import StoredDeadLetter
from headrace.dead_letters.summary import Summary, TimeAxis
from schemas.replay import Replay
from tests.unit.headrace.dead_letters_in_memory import SEEN_MS, letter, record

LARGEST = 256 * 1024


@pytest.fixture
def dlq(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    for variable in ("HEADRACE_KAFKA", "HEADRACE_PORT_OFFSET"):
        monkeypatch.delenv(variable, raising=False)
    return lambda *arguments: CliRunner().invoke(app, ["dlq", *arguments, "--home", str(tmp_path)])


@pytest.fixture
def nobody_listens(monkeypatch):
    """An address of Kafka where nobody answers."""
    with socket.socket() as taken:  # bound and not listening: connections are refused, and nobody else takes the port
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HEADRACE_KAFKA", f"127.0.0.1:{taken.getsockname()[1]}")
        yield


def printed_by(print_, *arguments) -> str:
    console = Console(width=200, record=True, file=None, force_terminal=False)
    with console.capture() as capture:
        print_(*arguments, console)
    return capture.get()


@pytest.mark.parametrize("command", ["ls", "show", "replay", "fix"])
def test_every_command_has_help(command):
    shown = CliRunner().invoke(app, ["dlq", command, "--help"])
    assert shown.exit_code == 0
    assert "--json" in shown.output


@pytest.mark.parametrize(
    "arguments",
    [
        ("replay",),
        ("replay", "--yes"),
        ("replay", "0:1", "--all"),
        ("replay", "0:1", "--reason", "bad_value"),
        ("fix", "--jq", "."),
    ],
)
def test_letters_are_named_in_one_way(dlq, arguments):
    refused = dlq(*arguments)
    assert refused.exit_code == 2
    assert "name the dead letters" in refused.output


def test_a_change_is_said_in_one_way(dlq):
    assert "give only one of" in dlq("fix", "0:1", "--jq", ".", "--python", "payload").output


@pytest.mark.parametrize("which", [("0:1", "0:2"), ("--reason", "bad_value")])
def test_the_editor_takes_one_letter(dlq, which):
    assert "the editor takes one ID" in dlq("fix", *which).output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("show", "seven"), "is not the id of a dead letter"),
        (("ls", "--reason", "nonsense"), "no reason 'nonsense'"),
        (("replay", "--since", "nonsense"), "is not a time"),
        (("fix", "0:1", "--python", "import os"), "one expression"),
    ],
)
def test_what_cannot_be_meant_is_one_line_with_what_can(dlq, nobody_listens, arguments, words):
    refused = dlq(*arguments)
    assert refused.exit_code == 1
    assert refused.stderr.startswith("✘ ")
    assert words in refused.stderr


@pytest.mark.parametrize("arguments", [("ls",), ("show", "0:1"), ("replay", "--all"), ("replay", "--all", "--yes")])
def test_kafka_away_is_one_line_with_what_to_do(dlq, nobody_listens, arguments):
    away = dlq(*arguments)
    assert away.exit_code == 1
    assert "does not answer" in away.stderr
    assert "headrace up" in away.stderr
    assert away.stderr.count("\n") == 1


def test_a_list_shows_counts_course_and_what_was_sent_back():
    summary = Summary(TimeAxis(SEEN_MS, SEEN_MS + 1000), 5)
    for offset in (3, 4):
        summary.add(StoredDeadLetter.of(record(offset, letter(device="[red]\x1b[2J"))))
    note = Replay(dead_letter="0:3", destination="telemetry.raw", replays=1, replayed_at=1)
    shown = printed_by(dead_letter_tables.print_list, summary, {0: 3}, {StoredDeadLetter.of(record(3)).id: [note]})
    assert re.search(r"bad_value +clean_telemetry +\[red\]\\x1b\[2J +2", shown)
    assert [line.split()[0] for line in shown.splitlines() if "sent back" in line] == ["0:3"]
    assert "2 dead letters. Retention has removed up to 3 dead letters" in shown


def test_a_letter_is_shown_with_what_its_reason_means_and_where_it_goes():
    kept = StoredDeadLetter.of(record(3, letter(detail="value: warm", replays=1, headers={"dead_letter": b"1:9"})))
    shown = printed_by(dead_letter_tables.print_dead_letter, kept, replay_target(kept, LARGEST), [])
    for words in (
        "bad_value: `value` is not a finite number.", "value: warm", "telemetry.raw[0] offset 7, item 0 of 1",
        "1, the replay of dead letter 1:9", "to telemetry.raw", "never", '{"metric":"temperature","value":"warm"}',
    ):  # fmt: skip
        assert words in shown


def test_an_unreadable_record_is_shown_with_why():
    kept = StoredDeadLetter.of(record(3, b"\x00?"))
    shown = printed_by(dead_letter_tables.print_dead_letter, kept, replay_target(kept, LARGEST), [])
    assert "unreadable" in shown
    assert "\\x00?" in shown
    assert dead_letter_tables.dead_letter_as_json(kept, replay_target(kept, LARGEST), [])["replay_to"] is None


def test_a_rehearsal_shows_the_difference_and_what_would_be_refused():
    choice = Choice({}, LARGEST, SEEN_MS, edit=lambda payload: payload.replace(b'"warm"', b"21.4"))
    kept = [StoredDeadLetter.of(record(3)), StoredDeadLetter.of(record(4, letter(b'{"cut":')))]
    shown = printed_by(dead_letter_tables.print_tally, rehearse(kept, choice), False, True)
    assert "Would send 1 to telemetry.raw" in shown
    assert '-  "value": "warm"' in shown
    assert '+  "value": 21.4' in shown
    assert "1 not sent: the payload is unchanged" in shown


def test_nothing_to_do_is_said():
    assert "No dead letter matches." in printed_by(dead_letter_tables.print_tally, ReplayTally(), False, True)
