"""What a training shows: the schema before it, the figures after it."""

from rich.console import Console
from rich.table import Table

from headrace.churn.training_run import Trained
from models.churn.training import Prepared
from models.churn.validation import CHOSEN, Validation

SHOWN_CATEGORIES = 4
NO_SIGNAL = "The model gives every customer the same probability: no column of the table says who leaves. Add others."
MAX_SHOWN = 60
"""Characters of a name or a category."""


def print_schema(prepared: Prepared, console: Console) -> None:
    """What is learned from and what is not."""
    schema, target = prepared.schema, prepared.target
    table = Table("column", "kind", "blanks", "usual", "AUC alone", box=None, header_style="bold")
    for column in schema.columns:
        kind = "number" if column.kind == "number" else f"category: {_shown(column.categories)}"
        usual = f"{column.reference:g}" if isinstance(column.reference, float) else column.reference or "blank"
        table.add_row(
            _short(column.name),
            kind,
            "yes" if column.nullable else "",
            _short(usual),
            f"{schema.alone[column.name]:.3f}",
        )
    console.print(table, markup=False)
    for dropped in schema.dropped:
        console.print(f"not used: {dropped.name} ({dropped.reason})", markup=False, soft_wrap=True)
    for note in schema.notes:
        console.print(note, markup=False, highlight=False, soft_wrap=True)
    if schema.identifier is not None:
        console.print(
            f"customers are named by {schema.identifier}; for another column:  --id COLUMN",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    copies = int(prepared.table.duplicated().sum())
    if copies and schema.identifier is not None:
        words = f"{copies:,} rows are copies of another, with its {schema.identifier}: remove them, they flatter."
        console.print(words, markup=False, soft_wrap=True)
    share = 100 * target.labels.mean()
    words = f"{len(target.labels):,} rows, {share:.1f} % have {target.name} = {target.positive}"
    console.print(words, markup=False, highlight=False)


def _shown(categories: tuple[str, ...]) -> str:
    shown = ", ".join(_short(category or "blank") for category in categories[:SHOWN_CATEGORIES])
    return shown if len(categories) <= SHOWN_CATEGORIES else f"{shown}, ... ({len(categories)})"


def _short(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 1]}…"


def print_outcome(trained: Trained, console: Console) -> None:
    """Figures of every model over the outer folds, then of the export."""
    console.print(_figures(trained.validation))
    contract, gate = trained.artifact.contract, trained.artifact.gate
    if trained.scores_alike:
        console.print(NO_SIGNAL, markup=False, highlight=False)
    reasons = f"reasons: {100 * contract.reasons.fidelity:.1f} % of the log odds' variance"
    lines = [
        f"gate: {gate.rows:,} rows, {gate.rows_at_split_thresholds:,} at split thresholds, largest difference "
        f"{gate.largest_difference:.1e}, {gate.flipped_labels} labels flipped",
        *([] if trained.scores_alike else [reasons]),
        f"threshold: {contract.threshold:.3f}",
        f"version: {contract.version}",
    ]
    console.print("\n".join(lines), markup=False, highlight=False)


def _figures(validation: Validation) -> Table:
    table = Table(box=None, header_style="bold")
    table.add_column("model")
    for title in ("ROC AUC", "average precision", "Brier", "calibration error"):
        table.add_column(title, justify="right")
    for name in validation.names():
        mean, deviation = validation.mean(name), validation.deviation(name)
        cells = [_with_deviation(mean[key], deviation[key]) for key in ("roc_auc", "average_precision", "brier")]
        table.add_row(name, *cells, f"{mean['calibration_error']:.4f}", style="bold" if name == CHOSEN else "")
    return table


def _with_deviation(mean: float, deviation: float) -> str:
    return f"{mean:.4f} ± {deviation:.4f}"
