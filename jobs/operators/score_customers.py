"""Customers with their usage to churn scores, as a pandas UDF: one call of the model an Arrow batch.

The model is a folder that `models.champion` names. It is looked for again every second: a version that was promoted
scores from the next batch on. One that cannot be used is said in the log once, and the old one stays.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from pyflink.table import DataTypes, FunctionContext, ScalarFunction
from pyflink.table.udf import UserDefinedScalarFunctionWrapper, udf

from jobs.operators.cycle_collector import collect_seldom
from jobs.operators.followed_champion import FollowedChampion
from models.champion import champion
from models.churn.customer_scores import Arrival, outcomes
from models.churn.errors import RefusedModel
from models.churn.onnx_model import ChurnModel


class NoModel(Exception):
    """There is no champion to begin with; the message says how to make one."""


class CurrentModel:
    """The champion's model, and the next one once it is promoted. Raises NoModel, and RefusedModel of the first."""

    def __init__(self, root: Path, now_s: Callable[[], float] = time.monotonic) -> None:
        found = champion(root)
        if found is None:
            raise NoModel(f"no churn model in {root}. Train one:  headrace train churn DATA.csv --promote")
        self._followed = FollowedChampion(root, ChurnModel.load, RefusedModel, now_s)
        self._followed.take(found)

    def get(self) -> ChurnModel:
        return cast(ChurnModel, self._followed.get())


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
