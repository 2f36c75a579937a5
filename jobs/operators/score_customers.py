"""Customers with their usage to churn scores, as a pandas UDF: one call of the model an Arrow batch.

The model is a folder that `models.champion` names. It is looked for again every second: a version that was promoted
scores from the next batch on. One that cannot be used is said in the log once, and the old one stays.
"""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pyflink.table import DataTypes, FunctionContext, ScalarFunction
from pyflink.table.udf import UserDefinedScalarFunctionWrapper, udf

from jobs.operators.cycle_collector import collect_seldom
from models.champion import Champion, UnreadablePointer, champion
from models.churn.customer_scores import Arrival, outcomes
from models.churn.errors import RefusedModel
from models.churn.onnx_model import ChurnModel

LOOKS_EVERY_S = 1.0

log = logging.getLogger(__name__)


class NoModel(Exception):
    """There is no champion to begin with; the message says how to make one."""


class CurrentModel:
    """The champion's model, and the next one once it is promoted."""

    def __init__(self, root: Path, now_s: Callable[[], float] = time.monotonic) -> None:
        self._root, self._now_s = root, now_s
        self._refused = ""
        self._looked_at_s = now_s()
        found = champion(root)
        if found is None:
            raise NoModel(f"no churn model in {root}. Train one:  headrace train churn DATA.csv --promote")
        self._take(found)

    def get(self) -> ChurnModel:
        if self._now_s() - self._looked_at_s >= LOOKS_EVERY_S:
            self._looked_at_s = self._now_s()
            self._look()
        return self._model

    def _look(self) -> None:
        try:
            found = champion(self._root)
            if found is None or found.folder == self._folder:
                return
            self._take(found)
            log.info("scoring with %s", found.version)
        except (UnreadablePointer, RefusedModel) as error:
            if str(error) != self._refused:
                self._refused = str(error)
                log.error("scoring goes on with %s: %s", self._folder, error)

    def _take(self, found: Champion) -> None:
        self._model, self._folder = ChurnModel.load(self._root / found.folder), found.folder


class ScoreCustomers(ScalarFunction):
    """`score_customers(customer, row, its partition, its offset, usage, topic)`: see `models.churn.customer_scores`."""

    def __init__(self, root: Callable[[], Path]) -> None:
        self._root = root

    def open(self, function_context: FunctionContext) -> None:
        collect_seldom()
        self._current = CurrentModel(self._root())

    def eval(self, customers: Any, rows: Any, partitions: Any, offsets: Any, usages: Any, topics: Any) -> Any:
        import pandas

        columns = (customers, rows, partitions.tolist(), offsets.tolist(), usages, topics)
        arrivals = map(Arrival._make, zip(*columns, strict=True))
        return pandas.Series(outcomes(self._current.get(), arrivals), dtype=object)

    def is_deterministic(self) -> bool:
        return False


def score_customers(root: Callable[[], Path]) -> UserDefinedScalarFunctionWrapper:
    """The UDF for a folder of models that is asked for on the worker."""
    return udf(ScoreCustomers(root), result_type=DataTypes.STRING(), func_type="pandas", deterministic=False)
