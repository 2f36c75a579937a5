"""The standing of an experiment as one HTML page: the verdict, the counts, the interval as it narrowed."""

import math
from collections.abc import Sequence
from html import escape

from headrace.experiments.result import ExperimentResult
from models.experiments.confidence_sequence import Interval

WIDTH, HEIGHT, LEFT, BOTTOM = 760, 320, 64, 34
MAX_POINTS = 600
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1c2733; max-width: 52rem; margin: 2rem auto; padding: 0 1.5rem; }
h1 { font-size: 1.5rem; margin-bottom: .2rem; } p.verdict { font-size: 1.1rem; font-weight: 600; }
p.note { color: #5b6773; font-size: .88rem; max-width: 46rem; }
table { border-collapse: collapse; margin: .8rem 0; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem 1.1rem .25rem 0; text-align: right; border-bottom: 1px solid #e3e7eb; }
th { color: #5b6773; font-weight: 600; } th:first-child, td:first-child { text-align: left; }
svg { max-width: 100%; height: auto; } svg text { font-size: 12px; fill: #5b6773; }
"""


def page(result: ExperimentResult) -> str:
    """The whole page, without outside parts."""
    experiment = result.experiment
    title = f"Experiment {escape(experiment.name)}"
    rows = "".join(
        f"<tr><td>{name}</td><td>{experiment.arm(name).list}</td><td>{experiment.arm(name).share:g} %</td>"
        f"<td>{arm.exposed:,}</td><td>{arm.users:,}</td><td>{arm.successes:,}</td>"
        f"<td>{'' if math.isnan(arm.rate) else f'{100 * arm.rate:.2f} %'}</td></tr>"
        for name, arm in result.arms.items()
    )
    success = escape(" or ".join(experiment.success))
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>
<h1>{title}</h1>
<p class="verdict">{escape(result.verdict)}</p>
<table><tr><th>arm</th><th>list</th><th>share</th><th>shown to</th><th>their time is over</th><th>{success}</th>
<th>rate</th></tr>{rows}</table>
{_curve(result)}
<p class="note">Each user counts once, from the first list that was shown to them, with whether they did it
({success}) within {experiment.within_h:g} h. The band holds the true difference at all times at once with a
probability of {100 * (1 - experiment.alpha):g} %, so it may be looked at, and the experiment stopped, at any moment.
Users came to the arms as declared with p {result.sample_ratio_p:.3g}.</p>
</body></html>
"""


def _curve(result: ExperimentResult) -> str:
    known = [interval for _, interval in result.curve if math.isfinite(interval.low)]
    if not known:
        return "<p>Too few users for an interval so far.</p>"
    known = known[:: max(1, len(known) // MAX_POINTS)] + known[-1:]
    top = max(abs(edge) for each in known for edge in (each.low, each.high)) * 1.05

    def x(interval: Interval) -> float:
        return LEFT + (WIDTH - LEFT - 10) * interval.users / known[-1].users

    def y(value: float) -> float:
        return (HEIGHT - BOTTOM) * (1 - value / top) / 2 + 4

    band = _points([(x(each), y(each.high)) for each in known] + [(x(each), y(each.low)) for each in reversed(known)])
    line = _points([(x(each), y(each.difference)) for each in known])
    ticks = "".join(
        f'<line x1="{LEFT}" x2="{WIDTH - 10}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="{colour}"/>'
        f'<text x="{LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{_points_of(value)}</text>'
        for value, colour in ((top * 0.9, "#e3e7eb"), (top * 0.45, "#e3e7eb"), (0.0, "#1c2733"),
                              (-top * 0.45, "#e3e7eb"), (-top * 0.9, "#e3e7eb"))
    )  # fmt: skip
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="Difference of the rates, and its interval">'
        f'<text x="{LEFT}" y="12">treatment - control, points</text>{ticks}'
        f'<polygon points="{band}" fill="#2a78d6" fill-opacity=".18"/>'
        f'<polyline points="{line}" fill="none" stroke="#2a78d6" stroke-width="2"/>'
        f'<text x="{LEFT}" y="{HEIGHT - 8}">0</text>'
        f'<text x="{WIDTH - 10}" y="{HEIGHT - 8}" text-anchor="end">{known[-1].users:,} users</text></svg>'
    )


def _points_of(share: float) -> str:
    return f"{100 * share:+.2g}" if share else "0"


def _points(places: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
