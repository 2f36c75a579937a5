"""Anomaly detectors on labelled series, above all the Numenta Anomaly Benchmark: `make bench-nab DATA=FOLDER`.

    python -m bench.nab FOLDER [DETECTOR ...] [--only] [--score nab|events] [--labels FILE] [--page FOLDER]

FOLDER is a clone of the benchmark, or has the same layout: data/GROUP/NAME.csv with the columns timestamp and value,
and labels/combined_windows.json. Other labelled sets need no data/ and no groups, and may have their windows in
labels.json. Scores them with every detector of the catalogue and those that are named (river:MODULE:CLASS), prints how
good their alerts are, and writes a page with a chart of each series.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from rich.progress import track

from bench.command_line import run
from bench.nab import oracle, page
from bench.nab.evaluation import RULES, Evaluation, evaluate
from bench.nab.labelled_series import LAYOUT, LabelledSeries, UnusableSeries, read_folder
from bench.nab.tables import comparison_table, files_table, settings_table
from bench.report import verdict
from models.detectors import DEFAULT, DETECTORS, detector

SOURCE = "https://github.com/numenta/NAB"
LIMITS = {"standard": (70.0, 78.0), "low FP": (62.0, 72.0)}
GAP_LIMIT, GAP_AIM = 5.0, 2.0


def main(words: Sequence[str] | None = None) -> None:
    arguments = _arguments(words)
    series = _series(arguments)
    names = [] if arguments.only else list(DETECTORS)
    names += [name for name in arguments.detectors if name not in names]
    if arguments.score == "nab":
        print(oracle.check(arguments.folder, series), flush=True)
    evaluations = [_evaluated(name, series, arguments.score) for name in names]
    print(f"\n{comparison_table(evaluations).as_text()}")
    numbers = track(range(len(series)), f"charts of {len(series)} series")
    print(f"\nOpen {page.write(arguments.page, evaluations, arguments.score, numbers)}")
    for evaluation in evaluations:
        if evaluation.detector == DEFAULT and arguments.score == "nab":
            _print_verdicts(evaluation)


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.nab", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, nargs="?", help="the labelled series")
    parser.add_argument("detectors", nargs="*", metavar="DETECTOR", help="beside those of the catalogue")
    parser.add_argument("--only", action="store_true", help="only the detectors that are named")
    parser.add_argument("--score", choices=RULES, default="nab", help="the benchmark's rule, or events found (F1)")
    parser.add_argument("--labels", type=Path, help="JSON with the windows of each file")
    parser.add_argument("--page", type=Path, default=Path("dist/bench-nab"), help="folder for the page")
    arguments = parser.parse_intermixed_args(words)
    if arguments.only and not arguments.detectors:
        parser.error("--only wants the name of a detector")
    try:
        for name in arguments.detectors:
            detector(name)
    except ValueError as error:
        parser.error(str(error))
    return arguments


def _series(arguments: argparse.Namespace) -> list[LabelledSeries]:
    if arguments.folder is None:
        raise UnusableSeries(
            f"No folder of labelled series is given. Get the benchmark's:  git clone --depth 1 {SOURCE}\n"
            f"  and run:  make bench-nab DATA=NAB  (wanted:  {LAYOUT})"
        )
    series = read_folder(arguments.folder, arguments.labels)
    print(
        f"{len(series)} series, {sum(map(len, series)):,} readings, {sum(len(each.windows) for each in series)} windows"
    )
    if refused := sum(each.n_refused for each in series):
        print(f"{refused:,} rows without a finite value are left out")
    return series


def _evaluated(name: str, series: list[LabelledSeries], rule: str) -> Evaluation:
    print(f"\n{name} ...", flush=True)
    evaluation = evaluate(name, series, RULES[rule])
    print(settings_table(evaluation).as_text())
    print(f"\n{files_table(evaluation).as_text()}", flush=True)
    return evaluation


def _print_verdicts(evaluation: Evaluation) -> None:
    for measure, (limit, aim) in LIMITS.items():
        name, figure = f"{evaluation.detector} {measure}", evaluation.rows[0].mean(measure)
        print(verdict(name, figure, "points of 100", limit, at_least=True, aim=aim))
    gap = evaluation.gap("standard")
    print(
        verdict(f"{evaluation.detector} gap", gap, "points to the best setting", GAP_LIMIT, at_least=False, aim=GAP_AIM)
    )


if __name__ == "__main__":
    run(main)
