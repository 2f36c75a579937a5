"""Records gathered into micro-batches for Python, and its answers scattered into records again (docs/adr/0019).

Internals: those of flink/operators_jar.py, PyFlink's `_to_java_data_type`, and in Java two operators
(`AbstractStreamOperator`).
"""

from pyflink.table import DataTypes, StreamTableEnvironment, Table
from pyflink.table.types import DataType, _to_java_data_type

from flink.operators_jar import stage

RECORDS = DataTypes.ROW([DataTypes.FIELD("key", DataTypes.BYTES()), DataTypes.FIELD("record", DataTypes.BYTES())])
"""Keys and records, as a sink takes them."""


def gather(
    tables: StreamTableEnvironment, table: Table, uid: str, buckets: int, max_wait_ms: int, max_bytes: int,
    tick_ms: int = 0,
) -> Table:  # fmt: skip
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
    tick_ms
        Each bucket gets a frame without records, a tick, so often; 0 for never.
    """
    return stage("gather", tables, table, uid, buckets, max_wait_ms, max_bytes, tick_ms)


def scatter(tables: StreamTableEnvironment, table: Table, uid: str, records: DataType = RECORDS) -> Table:
    """The records of a table of one column, frames: ScatterRecordsOperator.java.

    Parameters
    ----------
    records
        A ROW of BYTES, BOOLEAN (a byte), BIGINT (8 bytes, big-endian) and DOUBLE (IEEE 754, big-endian); by default
        (key, record).
    """
    return stage("scatter", tables, table, uid, _to_java_data_type(records))
