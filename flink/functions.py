"""Functions of SQL that are written in Java. They are public API on both sides: no internals.

`PSEUDONYM(user, 'file')`
    What a user is called outside of the customers' table: PseudonymFunction.java.
`MAP_OF_FRAME(bytes)`
    The MAP of text to BYTES that a gathered record had, from the frame that it is there: MapOfFrameFunction.java.
`LATEST_RECORD(partition, offset, record) OVER (...)`
    The newest record that is not NULL, as LAST_VALUE, which takes no BYTES: LatestRecordFunction.java.
"""

from pyflink.table import StreamTableEnvironment

PACKAGE = "io.headrace.flink"


def register_pseudonym(tables: StreamTableEnvironment) -> None:
    """Makes PSEUDONYM known to the SQL of a job."""
    tables.create_java_temporary_function("PSEUDONYM", f"{PACKAGE}.PseudonymFunction")


def register_latest_record(tables: StreamTableEnvironment) -> None:
    """Makes LATEST_RECORD known to the SQL of a job."""
    tables.create_java_temporary_function("LATEST_RECORD", f"{PACKAGE}.LatestRecordFunction")


def register_map_of_frame(tables: StreamTableEnvironment) -> None:
    """Makes MAP_OF_FRAME known to the SQL of a job."""
    tables.create_java_temporary_function("MAP_OF_FRAME", f"{PACKAGE}.MapOfFrameFunction")


def text_literal(text: str) -> str:
    """A text in SQL.

    >>> text_literal("Ann's")
    "'Ann''s'"
    """
    return "'" + text.replace("'", "''") + "'"
