"""Pseudonyms in SQL: what an id of the customers' table is called where users are told of."""

from pathlib import Path

from pyflink.table import StreamTableEnvironment, Table
from pyflink.table.types import RowType

from connectors.pseudonyms import KEY_FILE
from jobs.operators.java_stage import java_stage

KEY = Path("secrets") / KEY_FILE
"""Below the home of the TaskManager's stack, which need not be that of the client."""


def pseudonymise(tables: StreamTableEnvironment, table: Table, uid: str, columns: RowType, key: Path = KEY) -> Table:
    """The rows of `table` with the pseudonym of the user whom the first column names behind them.

    Parameters
    ----------
    columns
        Those of `table`, and the pseudonym's.
    key
        The file; what is not absolute is below HEADRACE_HOME.
    """
    return java_stage(tables, table, "Pseudonymise", uid, columns, [str(key)])
