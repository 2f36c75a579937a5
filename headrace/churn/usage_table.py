"""Usage features as columns: of a table of customers, or of a table of their own."""

from collections.abc import Callable, Mapping

import pandas as pd

from models.churn.errors import UnusableTable
from schemas.usage_features import NO_USAGE


def joined(
    customers: pd.DataFrame,
    column: str,
    features: Mapping[str, Mapping[str, int]],
    called: Callable[[str], str] = str,
) -> pd.DataFrame:
    """The table with a column for each feature; 0 where a customer has no usage.

    `called` makes of a customer's id what `features` call it.

    Raises
    ------
    UnusableTable
        The column that names the customer is not there, or a feature's name is taken.
    """
    if column not in customers:
        there = ", ".join(customers.columns)
        raise UnusableTable(f"No column {column!r}. Name one with --customer-column: {there}")
    if taken := [name for name in NO_USAGE if name in customers]:
        raise UnusableTable(f"The table has a column {taken[0]} already. Rename it, or join usage to the table before.")
    rows = [features.get(called(customer), NO_USAGE) for customer in customers[column]]
    return customers.assign(**{name: [row[name] for row in rows] for name in NO_USAGE})


def alone(features: Mapping[str, Mapping[str, int]], column: str) -> pd.DataFrame:
    """One row for each customer with usage."""
    return joined(pd.DataFrame({column: list(features)}, dtype=str), column, features)
