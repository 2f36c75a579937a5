"""Logging: one set-up, as text or JSON, with fields."""

import ast
import io
import json
import logging
import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from connectors.logging_setup import FIELDS, LogSettings, configure

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ("connectors", "flink", "jobs", "models", "serving")
"""Packages of processes that nobody watches: what they say goes through logging."""
SETTING_UP = {"basicConfig", "dictConfig", "StreamHandler", "Formatter"}


@pytest.fixture
def lines():
    """Sets logging up, and gives what was written; the root is left as it was."""
    root, stream = logging.getLogger(), io.StringIO()
    before = (list(root.handlers), root.level, {name: logging.getLogger(name).level for name in ("kafka", "httpx")})
    root.handlers = []

    def lines(level=None, format="text", default="INFO"):
        configure(default, LogSettings(level=level, format=format), stream)
        return lambda: stream.getvalue().splitlines()

    yield lines
    root.handlers, root.level = before[0], before[1]
    for name, level in before[2].items():
        logging.getLogger(name).setLevel(level)


log = logging.getLogger("connectors.of_a_test")


def test_a_line_has_time_level_logger_and_message(lines):
    written = lines()
    log.warning("%d windows wait", 3)
    [line] = written()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z WARNING connectors\.of_a_test: 3 windows wait", line)


def test_fields_stand_behind_the_message_in_their_order(lines):
    written = lines()
    log.info("refused", extra={"offset": 0, "topic": "telemetry.raw", "partition": 3, "colour": "red"})
    assert written()[0].endswith("refused [topic=telemetry.raw partition=3 offset=0]")


def test_fields_are_members_of_a_json_line(lines):
    written = lines(format="json")
    log.info("refused", extra=dict.fromkeys(FIELDS, "x") | {"offset": 17})
    [line] = map(json.loads, written())
    assert line | {"time": ""} == {
        "time": "", "level": "INFO", "logger": "connectors.of_a_test", "message": "refused",
        "job": "x", "device": "x", "topic": "x", "partition": "x", "offset": 17, "request_id": "x",
    }  # fmt: skip


@pytest.mark.parametrize("device", ['a"b', "two words", "line\nbreak", "\x1b[31mred", "Ω" * 200, "a\u2028b", ""])
@pytest.mark.parametrize("format", ["text", "json"])
def test_a_device_with_an_odd_name_stays_on_its_line(lines, format, device):
    written = lines(format=format)
    log.info("silent", extra={"device": device})
    [line] = written()
    if format == "json":
        assert json.loads(line)["device"] == device
    assert "\x1b" not in line


def test_an_exception_is_one_member_of_a_json_line(lines):
    written = lines(format="json")
    try:
        raise ValueError("no\nnumber")
    except ValueError:
        log.exception("failed")
    [line] = map(json.loads, written())
    assert line["exception"].startswith("Traceback")
    assert line["exception"].endswith("no\nnumber")


@pytest.mark.parametrize(
    ("level", "default", "written_levels"),
    [(None, "INFO", ["INFO", "ERROR"]), (None, "WARNING", ["ERROR"]), ("DEBUG", "WARNING", ["DEBUG", "INFO", "ERROR"])],
)
def test_the_level_is_the_setting_or_the_default_of_the_process(lines, level, default, written_levels):
    written = lines(level, default=default)
    for each in ("DEBUG", "INFO", "ERROR"):
        log.log(logging.getLevelName(each), "said")
    assert [line.split()[1] for line in written()] == written_levels


def test_libraries_say_only_what_a_person_reads(lines):
    written = lines("DEBUG")
    for name in ("kafka.conn", "httpx", "kafka.net.selector"):
        logging.getLogger(name).info("connected")
    assert written() == []


def test_kafkas_client_says_the_same_thing_once_in_a_while(lines):
    written = lines()
    for attempt in range(50):
        logging.getLogger("kafka.conn").warning("reconnecting: attempt %d", attempt)
    assert len(written()) == 1


def test_a_second_set_up_replaces_the_first(lines):
    lines()
    written = lines()
    log.warning("once")
    assert len(written()) == 1


def test_a_variable_without_a_value_is_the_default(monkeypatch):
    monkeypatch.setenv("HEADRACE_LOG_LEVEL", "")
    monkeypatch.setenv("HEADRACE_LOG_FORMAT", "")
    assert LogSettings() == LogSettings(level=None, format="text")


@pytest.mark.parametrize("setting", [{"level": "LOUD"}, {"format": "xml"}])
def test_a_setting_that_makes_no_sense_is_refused(setting):
    with pytest.raises(ValidationError):
        LogSettings(**setting)


def test_nothing_else_sets_logging_up():
    found = set()
    for path in (path for package in (*PACKAGES, "headrace", "stack") for path in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Attribute)
                and node.attr in SETTING_UP
                and getattr(node.value, "id", "") == "logging"
            ):
                found.add(str(path.relative_to(ROOT)))
    assert found == {"connectors/logging_setup.py"}


def test_processes_that_nobody_watches_do_not_print():
    """But for the client of `submit`, whose lines `headrace submit` reads, and what an interpreter says as it ends."""
    found = set()
    for path in (path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print":
                found.add(str(path.relative_to(ROOT)))
    assert found == {"jobs/__main__.py", "flink/patches/forked_workers/server.py"}
