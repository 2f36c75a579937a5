"""The watermark of before a restart, in front of the first row after it (docs/adr/0018).

Internals: those of flink/operators_jar.py, and in Java an operator (`AbstractStreamOperator`).
"""

from pyflink.table import StreamTableEnvironment, Table

from flink.operators_jar import stage


def remember_watermark(tables: StreamTableEnvironment, table: Table, uid: str, event_time: str) -> Table:
    """The rows of `table` behind RememberWatermarkOperator.java.

    Parameters
    ----------
    uid
        The operator's name on the dashboard, and its identity in savepoints.
    event_time
        The column that the watermark belongs to.
    """
    return stage("rememberWatermark", tables, table, uid, event_time)
