"""Evaluations as tables: cells of text, for the terminal and for the page."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from bench.nab.evaluation import Evaluation, FileResult, Row

WEEK_DAYS = 7.0


@dataclass(frozen=True)
class Table:
    """Titles of the columns and rows of cells; the first column is text, the others are figures."""

    titles: list[str]
    rows: list[list[str]]

    def as_text(self) -> str:
        """Aligned, for a terminal."""
        lines = [self.titles, *self.rows]
        widths = [max(len(line[column]) for line in lines) for column in range(len(self.titles))]
        return "\n".join(
            "  ".join([line[0].ljust(widths[0]), *(map(str.rjust, line[1:], widths[1:]))]).rstrip() for line in lines
        )


def settings_table(evaluation: Evaluation) -> Table:
    """A line for each decision: means and deviations over the starts."""
    measures = [measure.name for measure in evaluation.rule.measures]
    rows = [
        [row.name, *(_spread(row, name, evaluation.rule.digits) for name in measures), *_counts(row), row.setting]
        for row in evaluation.rows
    ]
    return Table(["decision", *measures, "found", "false", "setting"], rows)


def comparison_table(evaluations: Sequence[Evaluation]) -> Table:
    """A line for each detector: its shipped decision."""
    measures = [measure.name for measure in evaluations[0].rule.measures]
    titles = ["detector", *measures, "gap", "found", "false", "false a series and day", "and week"]
    rows = []
    for each in evaluations:
        digits = each.rule.digits
        spreads = [_spread(each.rows[0], name, digits) for name in measures]
        per_day = each.false_per_day()
        figures = [f"{per_day:.3f}", f"{WEEK_DAYS * per_day:.2f}", *_delay_cells(each)]
        gap = f"{each.gap(measures[0]):.{digits}f}"
        rows.append([each.detector, *spreads, gap, *_counts(each.rows[0]), *figures, f"{each.cpu_us:.1f}"])
    return Table([*titles, "delay, readings", "of the window", "CPU µs a reading"], rows)


def files_table(evaluation: Evaluation) -> Table:
    """A line for each series: the shipped decision from the first reading."""
    first = evaluation.rule.measures[0].name
    rows = [
        [each.scored.series.name, f"{len(each.scored.series):,}", *file_cells(each), _own(evaluation, each)]
        for each in evaluation.files
    ]
    return Table(["series", "readings", "found", "false", "false a week", "delay, readings", first], rows)


def file_cells(each: FileResult) -> list[str]:
    """Windows found, false alerts, these a week, and the median delay."""
    per_week = f"{WEEK_DAYS * each.result.n_false / each.days:.2f}" if each.days else ""
    delay = f"{statistics.median(readings for readings, _ in each.delays):.0f}" if each.delays else ""
    return [f"{each.result.n_found} of {each.result.n_windows}", str(each.result.n_false), per_week, delay]


def _own(evaluation: Evaluation, each: FileResult) -> str:
    if not each.result.n_windows:
        return ""
    return f"{float(evaluation.rule.measures[0].score(each.result)):.{evaluation.rule.digits}f}"


def _spread(row: Row, measure: str, digits: int) -> str:
    return f"{row.mean(measure):.{digits}f} ± {row.deviation(measure):.{digits}f}"


def _counts(row: Row) -> list[str]:
    """Of the first start."""
    if not row.outcomes:
        return ["", ""]
    return [f"{row.outcomes[0].n_found} of {row.outcomes[0].n_windows}", str(row.outcomes[0].n_false)]


def _delay_cells(evaluation: Evaluation) -> list[str]:
    delays = [delay for each in evaluation.files for delay in each.delays]
    if not delays:
        return ["", ""]
    readings, shares = (statistics.median(each) for each in zip(*delays, strict=True))
    return [f"{readings:.0f}", f"{100 * shares:.0f} %"]
