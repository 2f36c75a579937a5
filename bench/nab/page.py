"""One page to browse the series: tables, and a chart of each series and detector in a file beside it."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.nab.charts import chart
from bench.nab.evaluation import Evaluation, FileResult
from bench.nab.tables import comparison_table, file_cells, files_table, settings_table
from models.templates import template

PAGE_FILE, CHART_FOLDER = "index.html", "charts"


def write(folder: Path, evaluations: Sequence[Evaluation], rule_name: str, progress: Iterable[int]) -> Path:
    """Write the page and its charts, and give the path of the page.

    Parameters
    ----------
    progress
        Numbers of the series, 0 and on: what shows progress may wrap them.
    """
    names = [each.scored.series.name for each in evaluations[0].files]
    sections = [_section(folder, evaluations, number, names[number]) for number in progress]
    path = folder / PAGE_FILE
    path.write_text(
        template(__file__, "page.html.j2").render(
            rule_name=rule_name,
            n_readings=sum(len(each.scored.series) for each in evaluations[0].files),
            comparison=comparison_table(evaluations),
            detectors=[(slug(each.detector), each.detector) for each in evaluations],
            details=[
                (each.detector, slug(each.detector), settings_table(each), files_table(each)) for each in evaluations
            ],
            anchors={name: slug(name) for name in names},
            sections=sections,
        ),
        encoding="utf-8",
    )
    return path


def _section(folder: Path, evaluations: Sequence[Evaluation], number: int, name: str) -> dict[str, object]:
    drawn = []
    for evaluation in evaluations:
        each = evaluation.files[number]
        place = Path(CHART_FOLDER) / slug(evaluation.detector) / f"{slug(name)}.svg"
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_text(chart(each), encoding="utf-8")
        drawn.append((slug(evaluation.detector), evaluation.detector, place.as_posix(), _caption(each)))
    group, _, file = name.rpartition("/")
    return {"name": name, "group": group, "short": file.removesuffix(".csv"), "anchor": slug(name), "charts": drawn}


def _caption(each: FileResult) -> str:
    found, false, per_week, delay = file_cells(each)
    words = [f"windows found: {found}" if each.result.n_windows else "no windows"]
    words += [f"after {delay} readings"] if delay else []
    words += [f"{false} false alert{'' if false == '1' else 's'}" + (f" ({per_week} a week)" if per_week else "")]
    return ", ".join(words)


def slug(name: str) -> str:
    """The name of a series or detector as an anchor and the name of a file.

    >>> slug("realTraffic/speed_6005.csv"), slug("river:anomaly:HalfSpaceTrees")
    ('realTraffic-speed_6005', 'river-anomaly-HalfSpaceTrees')
    """
    return re.sub(r"[^\w.-]+", "-", name.removesuffix(".csv"))
