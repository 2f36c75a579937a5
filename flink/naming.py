"""Names and identities of operators that the planner makes of SQL, which has no syntax for either.

Internals: those of flink/operators_jar.py, and in Java the transformations of a plan (`Transformation`).
"""

from pyflink.table import StreamTableEnvironment, Table

from flink.operators_jar import stage


def named(tables: StreamTableEnvironment, table: Table, kind: str, uid: str) -> Table:
    """The same table, whose one operator of a `kind`, for example OverAggregate, is called `uid`.

    On the dashboard, and in savepoints: its state is found again whatever is planned around it.
    """
    return stage("named", tables, table, kind, uid)
