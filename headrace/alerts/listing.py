"""The list of alerts for a person: device, metric and episode as the commands take them again."""

import shlex
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.text import Text

from connectors.redis.alerts import StoredAlert
from headrace.alerts.causes import MIN_DEVICES, Cause


def print_alerts(causes: Sequence[Cause], over_budget: int, console: Console) -> None:
    """A line an alert, or a line for all alerts of a cause that several devices have; what is known below it.

    Parameters
    ----------
    over_budget
        Alerts that are left out of `causes`.
    """
    width = len(str(len(causes)))
    for number, cause in enumerate(causes, 1):
        for line, details in _entries(cause):
            console.print(Text(f"{number:>{width}}  {line}", style="bold"), soft_wrap=True)
            for detail in details:
                console.print(Text(f"{'':{width}}    {detail}"), soft_wrap=True)
    if not causes:
        console.print("no alerts")
    if over_budget:
        words = "alert is" if over_budget == 1 else "alerts are"
        console.print(f"{over_budget:,} more {words} over the budget of their device; --all shows them")


def _entries(cause: Cause) -> Iterator[tuple[str, list[str]]]:
    first = cause.alerts[0]
    if cause.n_devices >= MIN_DEVICES:
        line = f"{cause.n_devices:,} devices: {first.metric}, {first.kind or 'alert'}, from {utc(first.episode)} on"
        judged = sum(alert.verdict is not None for alert in cause.alerts)
        yield line, [f"{judged:,} of {len(cause.alerts):,} alerts have a verdict"] if judged else []
        return
    for alert in cause.alerts:
        words = shlex.join([alert.device, alert.metric, utc(alert.episode)])
        raised = f"the threshold is raised by {alert.threshold_raise:.2f}" if alert.threshold_raise > 1 else ""
        yield words, [each for each in (alert.explanation or alert.kind or "", _said(alert), raised) if each]


def _said(alert: StoredAlert) -> str:
    said = "" if alert.verdict is None else str(alert.verdict)
    return f"{said}: {alert.note}" if alert.note else said


def utc(time_ms: int) -> str:
    """A time as `headrace alert` takes it again.

    >>> utc(1_719_800_000_123)
    '2024-07-01T02:13:20.123'
    """
    try:
        moment = datetime.fromtimestamp(time_ms // 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return str(time_ms)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{time_ms % 1000:03}"
