"""What became of a scored file; it needs no training library."""

from pathlib import Path

from rich.console import Console

from models.churn.contract import Contract
from models.churn.score_table import Tally


def print_tally(tally: Tally, contract: Contract, out: Path, console: Console) -> None:
    """What became of a scored file's rows."""
    lines = [
        f"{tally.rows:,} rows in {out}: {tally.flagged:,} labelled {contract.positive}, {tally.refused:,} refused",
        *(
            f"{name}: {n:,} values that the training had not seen, scored as none of its categories"
            for name, n in tally.unknown_categories.items()
        ),
    ]
    if tally.refused:
        lines.append(f"why they were refused stands in the column refused of {out}")
    console.print("\n".join(lines), markup=False, highlight=False)
