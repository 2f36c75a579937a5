"""The list of alerts, as a table for a person."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table

from connectors.redis.alerts import StoredAlert
from headrace.alerts.causes import MIN_DEVICES, Cause


def print_alerts(causes: Sequence[Cause], over_budget: int, console: Console) -> None:
    """A row an alert, or a row for all alerts of a cause that several devices have.

    Parameters
    ----------
    over_budget
        Alerts that are left out of `causes`.
    """
    if causes:
        console.print(_table(causes))
    else:
        console.print("no alerts")
    if over_budget:
        words = "alert is" if over_budget == 1 else "alerts are"
        console.print(f"{over_budget:,} more {words} over the budget of their device; --all shows them")


def _table(causes: Sequence[Cause]) -> Table:
    table = Table("cause", "episode (UTC)", "device", "metric", "kind", "what", "verdict", "threshold", box=None)
    for number, cause in enumerate(causes, 1):
        for row in _rows(cause):
            table.add_row(str(number), *row)
    return table


def _rows(cause: Cause) -> Iterator[tuple[str, ...]]:
    first = cause.alerts[0]
    if cause.n_devices >= MIN_DEVICES:
        judged = sum(alert.verdict is not None for alert in cause.alerts)
        said = f"{judged:,} of {len(cause.alerts):,}" if judged else ""
        yield (utc(first.episode), f"{cause.n_devices:,} devices", first.metric, first.kind or "", "", said, "")
        return
    for alert in cause.alerts:
        yield (
            utc(alert.episode),
            alert.device,
            alert.metric,
            alert.kind or "",
            alert.explanation or "",
            _said(alert),
            f"x {alert.threshold_raise:.2f}" if alert.threshold_raise > 1 else "",
        )


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
