"""Whether the model errs alike for all groups of customers."""

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from models.churn.calibration import Floats, Labels
from models.churn.contract import MISSING
from models.churn.numbers import parsed, reading_of

FEWEST = 30
"""Smaller groups have rates that say nothing."""
MAX_VALUES = 6
BLANK = "blank"


def groups_of(cells: pd.Series) -> tuple[pd.Series, list[str]]:
    """The group of each row, and all groups in order: categories as they are, a number of many values in quarters."""
    reading = reading_of(cells)
    if not reading.is_number or cells.nunique() <= MAX_VALUES:
        named = cells.replace(MISSING, BLANK)
        return named, sorted(set(named))
    quarters, edges = pd.qcut(parsed(cells, reading.notation), 4, labels=False, retbins=True, duplicates="drop")
    names = [f"{low:g} to {high:g}" for low, high in pairwise(edges)]
    return quarters.map(dict(enumerate(names))).fillna(BLANK), [*names, BLANK]


def by_group(cells: pd.Series, labels: Labels, probabilities: Floats, flagged: Labels) -> list[dict[str, Any]]:
    """One entry a group of at least FEWEST rows; recall and false alarms are None where nobody is of that class."""
    groups, order = groups_of(cells)
    rows = {name: (groups == name).to_numpy() for name in order}
    return [_rates(name, rows[name], labels, probabilities, flagged) for name in order if rows[name].sum() >= FEWEST]


def _rates(name: str, rows: Any, labels: Labels, probabilities: Floats, flagged: Labels) -> dict[str, Any]:
    truth, predicted, marked = labels[rows], probabilities[rows], flagged[rows]
    return {
        "group": name,
        "rows": len(truth),
        "rate": float(truth.mean()),
        "mean_probability": float(predicted.mean()),
        "flagged": float(marked.mean()),
        "recall": _mean(marked[truth == 1]),
        "false_alarm_rate": _mean(marked[truth == 0]),
        "roc_auc": float(roc_auc_score(truth, predicted)) if 0 < truth.sum() < len(truth) else None,
    }


def _mean(values: Labels) -> float | None:
    return float(np.mean(values)) if len(values) else None
