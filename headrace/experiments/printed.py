"""The standing of an experiment for the terminal, and as JSON."""

import math
from typing import Any

from rich.console import Console
from rich.table import Table

from headrace.experiments.result import Standing


def print_standing(standing: Standing, console: Console) -> None:
    experiment = standing.experiment
    success = " or ".join(experiment.success)
    console.print(f"{experiment.name}: {success} within {experiment.within_h:g} h, {_state(standing)}", style="bold")
    table = Table("arm", "list", "share", "shown to", "their time is over", success, "rate", box=None)
    for name, arm in standing.arms.items():
        declared = experiment.arm(name)
        counts = (f"{arm.exposed:,}", f"{arm.users:,}", f"{arm.successes:,}")
        table.add_row(name, declared.list, f"{declared.share:g} %", *counts, _percent(arm.rate))
    console.print(table)
    console.print(f"treatment - control: {_interval(standing)}")
    console.print(
        f"users as declared: p {standing.sample_ratio_p:.3g}{', and they are not' if standing.is_mismatched else ''}"
    )
    if standing.moved:
        console.print(f"left out: {standing.moved:,} users who were shown both arms")
    console.print(standing.verdict)


def as_json(standing: Standing) -> dict[str, Any]:
    """What `status --json` prints of one experiment; rates and their difference are shares of 1."""
    interval = standing.interval
    known = interval is not None and math.isfinite(interval.low)
    return {
        "experiment": standing.experiment.name,
        "ended": standing.ended.model_dump() if standing.ended else None,
        "arms": {
            name: {"exposed": arm.exposed, "users": arm.users, "successes": arm.successes}
            for name, arm in standing.arms.items()
        },
        "difference": interval.difference if interval else None,
        "interval": [interval.low, interval.high] if interval and known else None,
        "sample_ratio_p": standing.sample_ratio_p,
        "moved": standing.moved,
        "decided": bool(interval and interval.decides and not standing.is_mismatched),
        "verdict": standing.verdict,
    }


def _state(standing: Standing) -> str:
    if standing.ended is None:
        return "running"
    return f"stopped; all see the {standing.ended.list} list" if standing.ended.list else "stopped"


def _interval(standing: Standing) -> str:
    interval = standing.interval
    if interval is None or not math.isfinite(interval.low):
        return "too few users to say anything"
    sure = 100 * (1 - standing.experiment.alpha)
    return (
        f"{100 * interval.difference:+.2f} points, {sure:g} % interval at all times "
        f"{100 * interval.low:+.2f} to {100 * interval.high:+.2f}"
    )


def _percent(rate: float) -> str:
    return "" if math.isnan(rate) else f"{100 * rate:.2f} %"
