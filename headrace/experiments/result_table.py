"""The result of an experiment as a table for the terminal, and as JSON."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from connectors.experiments_file import Ended
from headrace.experiments.result import ExperimentResult
from schemas.experiment import CONTROL, TREATMENT, Experiment


def print_list(declared: Sequence[Experiment], ended: Mapping[str, Ended], console: Console) -> None:
    """The experiments as they are declared, with their state."""
    if not declared:
        console.print("No experiment is declared. How to declare one: docs/how-to/experiments.md")
        return
    table = Table("experiment", CONTROL, TREATMENT, "success", "state", box=None, header_style="bold")
    for each in declared:
        success = f"{' or '.join(each.success)} within {each.within_h:g} h"
        arms = (f"{arm.list}, {arm.share:g} %" for arm in (each.control, each.treatment))
        table.add_row(each.name, *arms, success, _state(ended.get(each.name)))
    console.print(table)


def listed_as_json(declared: Sequence[Experiment], ended: Mapping[str, Ended]) -> list[dict[str, Any]]:
    """What `ls --json` prints: the declarations, each with how it ended, or null."""
    ends = {name: how.model_dump() for name, how in ended.items()}
    return [each.model_dump(mode="json") | {"ended": ends.get(each.name)} for each in declared]


def print_result(result: ExperimentResult, console: Console) -> None:
    experiment = result.experiment
    success = " or ".join(experiment.success)
    console.print(
        f"{experiment.name}: {success} within {experiment.within_h:g} h, {_state(result.ended)}", style="bold"
    )
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


def _state(ended: Ended | None) -> str:
    if ended is None:
        return "running"
    return f"stopped; all see the {ended.list} list" if ended.list else "stopped"


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
