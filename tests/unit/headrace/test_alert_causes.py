"""Alerts with one cause, and the table of them."""

import shlex
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from typer import BadParameter

from connectors.redis.alerts import StoredAlert
from headrace.alerts.causes import MIN_DEVICES, WINDOW_MS, causes
from headrace.alerts.listing import print_alerts, utc
from headrace.alerts.ruling import send_verdict, verdict_on
from headrace.cli.alert import episode_ms
from headrace.errors import UnknownAlert
from schemas.alert_verdict import AlertVerdict, Ruling

T = 1_719_800_000_123


def alert(device, time_ms, metric="temperature", kind="level", **more):
    return StoredAlert(device=device, metric=metric, ts=time_ms, value=1.0, kind=kind, **more)


def shown(alerts, over_budget=0, width=200):
    text = StringIO()
    print_alerts(causes(alerts), over_budget, Console(width=width, file=text))
    return text.getvalue()


kinds, devices = st.sampled_from(["level", "spike", None]), st.sampled_from(["a", "b", "c", "d"])
some = st.lists(
    st.builds(alert, devices, st.integers(0, 4 * WINDOW_MS), st.sampled_from(["x", "y"]), kinds), max_size=40
)


@given(some)
def test_every_alert_is_in_one_cause(alerts):
    found = [id(each) for cause in causes(alerts) for each in cause.alerts]
    assert sorted(found) == sorted(map(id, alerts))


@given(some)
def test_the_latest_cause_comes_first_and_its_earliest_alert(alerts):
    found = causes(alerts)
    assert [cause.started_at for cause in found] == sorted((cause.started_at for cause in found), reverse=True)
    for cause in found:
        assert cause.started_at == min(each.episode for each in cause.alerts)


def test_alerts_of_many_devices_that_follow_one_another_are_one_cause():
    (cause,) = causes([alert(f"press-{number}", T + number * WINDOW_MS) for number in range(312)])
    assert (cause.n_devices, cause.started_at) == (312, T)


def test_another_metric_another_kind_and_a_pause_are_causes_of_their_own():
    pairs = [("temperature", "level", 0), ("flow", "level", 0), ("temperature", "spike", 0)]
    pairs.append(("temperature", "level", WINDOW_MS + 1 + MIN_DEVICES))
    alerts = [
        alert(f"press-{number}", T + start + number, metric, kind)
        for metric, kind, start in pairs
        for number in range(MIN_DEVICES)
    ]
    assert [len(cause.alerts) for cause in causes(alerts)] == [MIN_DEVICES] * len(pairs)


def test_two_devices_may_coincide():
    assert len(causes([alert("press-1", T), alert("press-2", T)])) == 2


def test_alerts_of_one_group_of_a_device_are_one_cause():
    alerts = [alert("press-1", T + n, metric, group=T) for n, metric in enumerate(("flow", "speed", "torque"))]
    (cause,) = causes([*alerts])
    assert [each.metric for each in cause.alerts] == ["flow", "speed", "torque"]


def test_a_cause_of_many_devices_is_one_line_and_says_how_many():
    text = shown([alert(f"press-{number}", T) for number in range(312)])
    assert "312 devices" in text
    assert text.count("temperature") == 1


def test_an_alert_shows_what_names_it_its_verdict_and_the_raise_of_its_series():
    text = shown([alert("press-1", T, verdict="dismissed", note="maintenance", threshold_raise=1.44)])
    assert text.splitlines() == [
        "1  press-1 temperature 2024-07-01T02:13:20.123",
        "     level",
        "     dismissed: maintenance",
        "     the threshold is raised by 1.44",
    ]


@pytest.mark.parametrize("width", [40, 80])
@pytest.mark.parametrize("device", ["press-1", "hall 3/press", "[red]x[/red]", "it's", "$(id)", "x" * 200])
def test_the_line_of_an_alert_is_what_confirm_and_dismiss_take_at_any_width(device, width):
    line, *_ = shown([alert(device, T)], width=width).splitlines()
    assert shlex.split(line)[1:] == [device, "temperature", "2024-07-01T02:13:20.123"]


def test_alerts_over_the_budget_are_counted():
    assert "2 more alerts are over the budget" in shown([], over_budget=2)
    assert "no alerts" in shown([])


@given(st.integers(0, 4_102_444_800_000))
def test_a_shown_time_names_its_alert(time_ms):
    assert episode_ms(utc(time_ms)) == time_ms == episode_ms(str(time_ms))


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "9" * 30, "1.5"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(BadParameter, match="headrace alert ls"):
        episode_ms(text)


def test_a_verdict_on_an_alert_that_redis_does_not_have_is_refused():
    with pytest.raises(UnknownAlert, match="headrace alert ls --device press-1"):
        verdict_on(None, "press-1", Ruling.DISMISSED, None)


class Confirmed:
    def __init__(self, sent):
        self.sent = sent

    def get(self, timeout):
        self.sent.append("confirmed")


class ProducerInMemory:
    def __init__(self):
        self.sent = []

    def send(self, topic, key, value):
        self.sent.append((topic, key, AlertVerdict.model_validate_json(value)))
        return Confirmed(self.sent)


def test_a_verdict_is_sent_under_its_device_and_waited_for():
    producer = ProducerInMemory()
    verdict = verdict_on(alert("pumpe-ü", T), "pumpe-ü", Ruling.CONFIRMED, "x" * 500, clock_ms=lambda: T + 1)
    send_verdict(producer, verdict)
    assert producer.sent == [("telemetry.verdicts", "pumpe-ü".encode(), verdict), "confirmed"]
    assert (verdict.episode, verdict.decided_at, verdict.verdict) == (T, T + 1, Ruling.CONFIRMED)
