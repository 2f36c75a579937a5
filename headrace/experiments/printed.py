"""The standing of an experiment for the terminal, and as JSON."""

import math
from typing import Any

from rich.console import Console
from rich.table import Table

from headrace.experiments.result import ExperimentResult


def print_result(result: ExperimentResult, console: Console) -> None:
    experiment = result.experiment
    success = " or ".join(experiment.success)
    console.print(f"{experiment.name}: {success} within {experiment.within_h:g} h, {_state(result)}", style="bold")
    table = Table("arm", "list", "share", "shown to", "their time is over", success, "rate", box=None)
    for name, arm in result.arms.items():
        declared = experiment.arm(name)
        counts = (f"{arm.exposed:,}", f"{arm.users:,}", f"{arm.successes:,}")
        table.add_row(name, declared.list, f"{declared.share:g} %", *counts, _percent(arm.rate))
    console.print(table)
    console.print(f"treatment - control: {_interval(result)}")
    console.print(
        f"users as declared: p {result.sample_ratio_p:.3g}{', and they are not' if result.is_mismatched else ''}"
    )
    if result.moved:
        console.print(f"left out: {result.moved:,} users who were shown both arms")
    console.print(result.verdict)


def as_json(result: ExperimentResult) -> dict[str, Any]:
    """What `status --json` prints of one experiment; rates and their difference are shares of 1."""
    interval = result.interval
    known = interval is not None and math.isfinite(interval.low)
    return {
        "experiment": result.experiment.name,
        "ended": result.ended.model_dump() if result.ended else None,
        "arms": {
            name: {"exposed": arm.exposed, "users": arm.users, "successes": arm.successes}
            for name, arm in result.arms.items()
        },
        "difference": interval.difference if interval else None,
        "interval": [interval.low, interval.high] if interval and known else None,
        "sample_ratio_p": result.sample_ratio_p,
        "moved": result.moved,
        "decided": bool(interval and interval.decides and not result.is_mismatched),
        "verdict": result.verdict,
    }


def _state(result: ExperimentResult) -> str:
    if result.ended is None:
        return "running"
    return f"stopped; all see the {result.ended.list} list" if result.ended.list else "stopped"


def _interval(result: ExperimentResult) -> str:
    interval = result.interval
    if interval is None or not math.isfinite(interval.low):
        return "too few users to say anything"
    sure = 100 * (1 - result.experiment.alpha)
    return (
        f"{100 * interval.difference:+.2f} points, {sure:g} % interval at all times "
        f"{100 * interval.low:+.2f} to {100 * interval.high:+.2f}"
    )


def _percent(rate: float) -> str:
    return "" if math.isnan(rate) else f"{100 * rate:.2f} %"
