"""Records gathered into micro-batches for Python, and its answers scattered into records again (docs/adr/0019).

Internals: those of flink/operators_jar.py, and in Java two operators (`AbstractStreamOperator`).
"""

from pyflink.table import StreamTableEnvironment, Table

from flink.operators_jar import stage


def gather(
    tables: StreamTableEnvironment, table: Table, uid: str, buckets: int, max_wait_ms: int, max_bytes: int
) -> Table:
    """(bucket, frame) of a table whose first column is a bucket: GatherMicroBatchesOperator.java.

    The records of a frame (flink/framing.py) have the other columns of `table`.

    Parameters
    ----------
    uid
        The operator's name on the dashboard, and its identity in savepoints.
    buckets
        Their number; a bucket is an INT from 0 on.
    max_wait_ms, max_bytes
        How long a record waits at most, and about how large a frame becomes.
    """
    return stage("gather", tables, table, uid, buckets, max_wait_ms, max_bytes)


def scatter(tables: StreamTableEnvironment, table: Table, uid: str) -> Table:
    """(key, record) of a table of one column, frames of both: ScatterRecordsOperator.java."""
    return stage("scatter", tables, table, uid)
