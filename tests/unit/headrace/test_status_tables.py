"""What `headrace status` prints, in terminals of every width."""

import io
import json
import re
from functools import cache

import pytest
from rich.console import Console

from connectors.broker_drops import BrokerDrops
from connectors.mqtt_broker_figures import MqttBrokerFigures
from headrace.cli.status import _Health, _print
from headrace.monitoring.jobs import JobFigures
from headrace.monitoring.mqtt import MqttFigures
from headrace.monitoring.processes import ProcessFigures
from headrace.monitoring.topics import TopicFigures
from jobs.names import ALL_JOBS, consumer_group
from schemas.bridge_session import SessionLoss
from schemas.topics import TOPICS

PROCESSES = ("zookeeper", "kafka", "jobmanager", "taskmanager", "forkserver", "serving-1", "connect")
DAYS_S = 40 * 86_400
LARGE = 1_234_567_890


def health():
    """Every job and topic there is, each figure as wide as it gets."""
    processes = [ProcessFigures(name, "STARTING", 4_194_303, 12 * 2**30, DAYS_S, 123) for name in PROCESSES]
    jobs = [JobFigures("j", name, "RECONCILING", DAYS_S, 1234, 0, None, 12_345, 1) for name in ALL_JOBS]
    lags = {(consumer_group(job), topic.name): LARGE for job in ALL_JOBS for topic in TOPICS}
    losses = (("headrace-bridge", SessionLoss(since=1_790_000_000_000, until=1_790_000_005_000)),)
    mqtt = MqttFigures(
        MqttBrokerFigures(5000, 12_345, 2_000_001, 8_589_934_592, 2_000_002),
        losses=losses,
        drops=BrokerDrops(2_000_003),
    )
    return _Health(processes, jobs, TopicFigures(lags, newest_event_ms=1_790_000_000_000), mqtt=mqtt)


def test_what_programs_read_is_json_whatever_happened():
    shown = json.loads(json.dumps(health().as_json()))
    assert shown["mqtt"]["losses"] == [
        {"client_id": "headrace-bridge", "since": 1_790_000_000_000, "until": 1_790_000_005_000}
    ]


@cache
def printed(width):
    out = io.StringIO()
    _print(health(), Console(file=out, width=width))
    return out.getvalue()


NAMES = [*PROCESSES, *ALL_JOBS, *map(consumer_group, ALL_JOBS), *(topic.name for topic in TOPICS)]


@pytest.mark.parametrize("width", [60, 72, 80, 100, 200])
@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_whole(width, name):
    assert re.search(rf"(^| ){re.escape(name)}( |$)", printed(width), re.M)


@pytest.mark.parametrize("width", [60, 80, 200])
def test_every_figure_is_whole_and_nothing_is_cut(width):
    text = printed(width)
    assert "…" not in text
    assert text.count(f"{LARGE:,}") == len(ALL_JOBS) * len(TOPICS)
    assert text.count("4194303") == len(PROCESSES)
    assert text.count("RECONCILING") == len(ALL_JOBS)
    assert max(map(len, text.splitlines())) <= width


@pytest.mark.parametrize("width", [80, 200])
def test_queue_drops_and_sessions_of_the_mqtt_broker_stand_in_one_line(width):
    figures = ["5,000", "12,345", "2,000,001", "8,589,934,592", "2,000,003", "1"]
    assert figures in [line.split() for line in printed(width).splitlines()]


@pytest.mark.parametrize("width", [20, 40])
def test_in_a_terminal_that_is_too_narrow_a_name_goes_on_in_the_next_line(width):
    text = printed(width)
    assert "…" not in text


def test_in_80_columns_a_consumer_and_its_topic_stand_in_one_line():
    lines = [line.split()[:2] for line in printed(80).splitlines()]
    assert all([consumer_group(job), topic.name] in lines for job in ALL_JOBS for topic in TOPICS)


def test_in_80_columns_a_job_that_is_well_takes_one_line():
    out = io.StringIO()
    jobs = [JobFigures("j", name, "RUNNING", 90_000, 0, 0, None, 4, 1_789_999_995_000) for name in ALL_JOBS]
    _print(_Health([], jobs, TopicFigures({}, newest_event_ms=1_790_000_000_000)), Console(file=out, width=80))
    lines = {line.split()[0]: line for line in out.getvalue().splitlines() if line.startswith(ALL_JOBS)}
    assert set(lines) == set(ALL_JOBS)
    assert all("25 h 0 min" in line and "4 s ago" in line and "5 s" in line for line in lines.values())


def test_figures_that_the_mqtt_broker_does_not_give_are_unknown_and_not_0():
    out, silent = io.StringIO(), MqttBrokerFigures(None, None, None, None, None)
    _print(_Health([], mqtt=MqttFigures(silent)), Console(file=out, width=100))
    (row,) = [line for line in out.getvalue().splitlines() if "unknown" in line]
    assert row.split() == ["unknown"] * 5 + ["0"]
