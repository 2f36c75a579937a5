"""The standing of an experiment as one HTML page: the verdict, the counts, the interval as it narrowed."""

import math
from collections.abc import Sequence
from typing import Any

from headrace.experiments.result import ExperimentResult
from models.experiments.confidence_sequence import Interval
from models.templates import template

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 760, 320, 64, 22, 34
RIGHT = WIDTH - 10
MAX_POINTS = 600
GRID, ZERO = "#e3e7eb", "#1c2733"


def page(result: ExperimentResult) -> str:
    """The whole page, without outside parts."""
    return template(__file__, "page.html.j2").render(
        experiment=result.experiment,
        verdict=result.verdict,
        success=" or ".join(result.experiment.success),
        arms=_arms(result),
        curve=_curve([interval for _, interval in result.curve if math.isfinite(interval.low)]),
        sample_ratio_p=result.sample_ratio_p,
    )


def _arms(result: ExperimentResult) -> list[list[str]]:
    declared = result.experiment.arm
    return [
        [
            name, declared(name).list, f"{declared(name).share:g} %", f"{arm.exposed:,}", f"{arm.users:,}",
            f"{arm.successes:,}", "" if math.isnan(arm.rate) else f"{100 * arm.rate:.2f} %",
        ]
        for name, arm in result.arms.items()
    ]  # fmt: skip


def _curve(known: Sequence[Interval]) -> dict[str, Any] | None:
    """What the template draws, in the units of its viewBox."""
    if not known:
        return None
    users = known[-1].users
    known = [*known[:: max(1, len(known) // MAX_POINTS)], known[-1]]
    top = max(abs(edge) for each in known for edge in (each.low, each.high)) * 1.05

    def x(interval: Interval) -> float:
        return LEFT + (RIGHT - LEFT) * interval.users / users

    def y(value: float) -> float:
        return TOP + (HEIGHT - BOTTOM - TOP) * (1 - value / top) / 2

    band = [(x(each), y(each.high)) for each in known] + [(x(each), y(each.low)) for each in reversed(known)]
    ticks = [(value, ZERO if value == 0 else GRID) for value in (top * 0.9, top * 0.45, 0.0, -top * 0.45, -top * 0.9)]
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "left": LEFT,
        "right": RIGHT,
        "users": users,
        "band": _points(band),
        "line": _points([(x(each), y(each.difference)) for each in known]),
        "ticks": [
            {
                "y": f"{y(value):.1f}",
                "text_y": f"{y(value) + 4:.1f}",
                "text": _percentage_points(value),
                "colour": colour,
            }
            for value, colour in ticks
        ],
    }


def _percentage_points(share: float) -> str:
    return f"{100 * share:+.2g}" if share else "0"


def _points(places: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
