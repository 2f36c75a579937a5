"""A churn model for a stack that has none: score_churn needs one."""

import csv
import subprocess
import sys
from pathlib import Path

from drills.errors import NotPrepared
from models.champion import champion
from stack.layout import Layout

CUSTOMERS = 300
TRAINED_WITHIN_S = 600.0
"""Half a minute where nothing else runs."""


def train_a_model(layout: Layout) -> None:
    """Trains a model of made-up customers, and makes it the stack's champion. A stack that has one keeps it.

    Raises
    ------
    NotPrepared
    """
    if champion(layout.home / "models" / "churn") is not None:
        return
    table = layout.folder("run") / "customers.csv"
    _write_customers(table)
    command = [sys.executable, "-c", "from headrace.cli.main import app; app()", "churn", "train", str(table)]
    command += ["--model", "logistic", "--trials", "1", "--promote"]
    try:
        done = subprocess.run(
            command, env=layout.environment(), capture_output=True, text=True, timeout=TRAINED_WITHIN_S
        )
    except subprocess.TimeoutExpired as error:
        raise NotPrepared(f"no model was trained within {TRAINED_WITHIN_S:.0f} s: run the drill again") from error
    if done.returncode:
        raise NotPrepared(f"no model was trained: {done.stdout[-500:]}{done.stderr[-500:]}")


def _write_customers(path: Path) -> None:
    """Those who pay by the month leave early, with exceptions."""
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["customer_id", "tenure", "contract", "churn"])
        for number in range(CUSTOMERS):
            tenure, contract = number * 29 % 72, "monthly" if number % 2 else "yearly"
            leaves = (contract == "monthly" and tenure < 24) != (number % 7 == 0)
            table.writerow([f"c-{number}", tenure, contract, "yes" if leaves else "no"])
