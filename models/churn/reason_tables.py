"""A model's reasons as tables: what each category, and each range of a number, adds to the log odds.

The exact Shapley values of a row cost thousands of scores. Averaged over the rows that share a column's value they
are a look-up, and the graph does it beside the score.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from models.churn.calibration import Floats
from models.churn.contract import Column
from models.churn.shapley import Score, shapley_values

MAX_RANGES = 16
SAMPLE = 1500
ROUNDS = 6
SAME = 1e-5
"""Log odds that differ by less are those of a model that scores all customers alike."""


@dataclass(frozen=True)
class NumberTable:
    """`values[i]` holds from `edges[i - 1]` on and below `edges[i]`; `missing` for a blank."""

    edges: Floats
    values: Floats
    missing: float

    def of(self, cells: Floats) -> Floats:
        """Contributions. Shape `(n,)`."""
        ranges = np.searchsorted(self.edges, cells, side="right")
        return np.where(np.isnan(cells), self.missing, self.values[np.minimum(ranges, len(self.edges))])


@dataclass(frozen=True)
class ReasonTables:
    """Contributions to the log odds, by raw column; numbers stand before categories.

    Parameters
    ----------
    base
        The log odds to which the contributions are added.
    fidelity
        R² against the model's log odds on rows that the tables were not made of.
    """

    numbers: dict[str, NumberTable]
    categories: dict[str, dict[str, float]]
    base: float = 0.0
    fidelity: float = 0.0

    @property
    def columns(self) -> tuple[str, ...]:
        return (*self.numbers, *self.categories)

    def contributions(self, frame: pd.DataFrame) -> Floats:
        """Shape `(n, n_columns)`; a category that the tables do not have adds nothing."""
        numbers = [table.of(frame[name].to_numpy(np.float64)) for name, table in self.numbers.items()]
        categories = [frame[name].map(table).fillna(0.0) for name, table in self.categories.items()]
        return np.column_stack([*numbers, *categories])


def reason_tables(score: Score, frame: pd.DataFrame, columns: tuple[Column, ...], seed: int) -> ReasonTables:
    """Tables of a model's log odds, from a sample of the rows that it learned."""
    sample = frame.sample(min(SAMPLE, len(frame) * 2 // 3), random_state=seed)
    values = shapley_values(score, sample, frame, ROUNDS, seed)
    added = pd.DataFrame(values, columns=frame.columns, index=sample.index)
    tables = ReasonTables(
        {each.name: _ranges(sample[each.name], added[each.name]) for each in columns if each.kind == "number"},
        {each.name: _means(sample[each.name], added[each.name]) for each in columns if each.kind == "category"},
    )
    based = replace(tables, base=float((score(sample) - tables.contributions(sample).sum(axis=1)).mean()))
    return replace(based, fidelity=_fidelity(based, score, frame.drop(sample.index).head(SAMPLE)))


def _means(cells: pd.Series, added: pd.Series) -> dict[str, float]:
    return {str(name): float(mean) for name, mean in added.groupby(cells).mean().items()}


def _ranges(cells: pd.Series, added: pd.Series) -> NumberTable:
    """Ranges of about equal counts; each has a row of the sample, since edges are values of it."""
    present = cells.notna()
    numbers, parts = cells[present].to_numpy(np.float64), added[present].to_numpy()
    missing = float(added[~present].mean()) if not present.all() else 0.0
    if not len(numbers):
        return NumberTable(np.empty(0), np.zeros(1), missing)
    quantiles = np.quantile(numbers, np.linspace(0, 1, MAX_RANGES + 1)[1:-1], method="higher")
    edges = np.unique(quantiles[quantiles > numbers.min()])
    ranges = np.searchsorted(edges, numbers, side="right")
    return NumberTable(edges, np.bincount(ranges, parts) / np.bincount(ranges), missing)


def _fidelity(tables: ReasonTables, score: Score, rows: pd.DataFrame) -> float:
    exact = score(rows)
    rest = exact - tables.base - tables.contributions(rows).sum(axis=1)
    if np.ptp(exact) < SAME:
        return 1.0  # there is no variance to explain
    return float(1 - (rest**2).sum() / ((exact - exact.mean()) ** 2).sum())
