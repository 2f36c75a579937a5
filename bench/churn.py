"""Churn models on a table of customers: how well they predict, and what a score costs.

    python -m bench.churn DATA.csv [TARGET [MODEL ...]]

Nested cross-validation, 2 x 5 stratified folds, as `headrace churn train` does it, of logistic regression and
LightGBM or of the models named; then the export of
the chosen model, scored in batches as the stream has them. The limits are those of IBM's Telco table.
"""

import statistics
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.command_line import run
from bench.report import verdict
from models.churn import ChurnModel
from models.churn.artifact import Artifact, export
from models.churn.numbers import parsed
from models.churn.settings import load_settings
from models.churn.tables import read_table
from models.churn.training import Prepared, prepare, train
from models.churn.validation import CHOSEN, Validation, validate

LIMITS = {
    "roc_auc": ("ranking", "ROC AUC", 0.838, True),
    "average_precision": ("precision", "average precision", 0.655, True),
    "brier": ("probability", "Brier score", 0.1395, False),
    "calibration_error": ("calibration", "expected error", 0.03, False),
}
ROWS_LIMIT, REASONS_LIMIT = 300_000, 3.0
BATCH, BATCHES, ROUNDS = 1_000, 40, 7


def main() -> None:
    path, *rest = sys.argv[1:]
    settings = load_settings(target=rest[0] if rest else None, models=tuple(rest[1:]) or ("logistic", "lightgbm"))
    prepared = prepare(read_table(Path(path)), settings)
    started = time.monotonic()
    labels, columns = prepared.target.labels, prepared.schema.columns
    validation = validate(prepared.frame, labels, columns, settings, compare_steps=False)
    print(f"{len(validation.folds)} folds in {time.monotonic() - started:.0f} s", flush=True)
    _print_models(validation)
    fitted = train(prepared, settings)
    print(f"chosen on all rows: {fitted.family} {fitted.parameters}", flush=True)
    with TemporaryDirectory() as folder:
        artifact = export(fitted, prepared, settings, Path(folder), "bench")
        plain_us, reasons_us = _cost_us(artifact, prepared)
    _print_verdicts(validation, artifact, plain_us, reasons_us)


def _print_models(validation: Validation) -> None:
    for name in validation.names():
        mean, deviation = validation.mean(name), validation.deviation(name)
        shown = ", ".join(f"{key} {mean[key]:.4f} ± {deviation[key]:.4f}" for key in mean)
        print(f"{name:10} {shown}")
    for key in ("roc_auc", "average_precision", "brier"):
        print(f"{CHOSEN} less logistic, {key}, paired: {_paired(validation, key):+.4f}")
    print(f"{CHOSEN} in the folds: {[fold.chosen for fold in validation.folds]}", flush=True)


def _paired(validation: Validation, key: str) -> float:
    pairs = zip(validation.figures(CHOSEN), validation.figures("logistic"), strict=True)
    return statistics.mean(ours[key] - theirs[key] for ours, theirs in pairs)


def _print_verdicts(validation: Validation, artifact: Artifact, plain_us: float, reasons_us: float) -> None:
    mean = validation.mean(CHOSEN)
    print(f"gate {artifact.gate.as_json()}")
    print(
        f"reasons: R² {artifact.contract.reasons.fidelity:.4f}; {plain_us:.2f} us a row, {reasons_us:.2f} with reasons"
    )
    for key, (name, unit, limit, at_least) in LIMITS.items():
        print(verdict(f"churn {name}", mean[key], unit, limit, at_least))
    print(verdict("churn scores", 1e6 / plain_us, "rows a CPU second", ROWS_LIMIT, at_least=True))
    print(verdict("churn reasons", reasons_us / plain_us, "times a score without", REASONS_LIMIT, at_least=False))


def _cost_us(artifact: Artifact, prepared: Prepared) -> tuple[float, float]:
    """CPU microseconds a row without and with reasons, medians of rounds that alternate."""
    model = ChurnModel.load(artifact.folder)
    batches = [_batch(prepared, number) for number in range(4)]
    plain, explained = [], []
    for _ in range(ROUNDS):
        plain.append(_round_us(model, batches, reasons=False))
        explained.append(_round_us(model, batches, reasons=True))
    return statistics.median(plain), statistics.median(explained)


def _round_us(model: ChurnModel, batches: list[dict[str, list[Any]]], reasons: bool) -> float:
    started = time.process_time()
    for number in range(BATCHES):
        model.predict(batches[number % len(batches)], reasons=reasons)
    return (time.process_time() - started) / (BATCHES * BATCH) * 1e6


def _batch(prepared: Prepared, number: int) -> dict[str, list[Any]]:
    """Values as they come from JSON: numbers, text, None."""
    rows = prepared.table.sample(BATCH, replace=True, random_state=number)
    numbers = {
        column.name: parsed(rows[column.name], column.notation).astype(object)
        for column in prepared.schema.columns
        if column.kind == "number"
    }
    made = rows.assign(**{name: cells.where(cells.notna(), None) for name, cells in numbers.items()})
    return {column.name: made[column.name].tolist() for column in prepared.schema.columns}


if __name__ == "__main__":
    run(main)
