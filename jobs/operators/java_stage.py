"""Stages between tables that are written in Java and travel as source text.

They are compiled on the TaskManager by Flink's own compiler (Janino), like those that Flink makes of SQL: no jar and no
JDK. The planner does not look through a stage: what stands behind it is judged behind it.
"""

from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from pyflink.java_gateway import get_gateway
from pyflink.table import StreamTableEnvironment, Table
from pyflink.table.types import RowType, _to_java_data_type


def java_stage(
    tables: StreamTableEnvironment,
    table: Table,
    operator: str,
    uid: str,
    columns: RowType | None = None,
    parameters: Sequence[int | str] = (),
    event_time: str | None = None,
) -> Table:
    """What the class `operator`, in the file of that name beside this one, makes of the rows of `table`.

    Parameters
    ----------
    uid
        The operator's name on the dashboard, and its identity in savepoints.
    columns
        Of what comes out; those of `table` if not given.
    parameters
        The constructor gets them as `references`.
    event_time
        The column that the watermark belongs to, where there is one.
    """
    types = get_gateway().jvm.org.apache.flink.table.types.utils.DataTypeUtils
    # Rows as the planner has them, on both sides: nothing is converted.
    planned = table._j_table.getResolvedSchema().toPhysicalRowDataType()
    came = types.toInternalDataType(types.removeTimeAttribute(planned))
    gone = came if columns is None else types.toInternalDataType(_to_java_data_type(columns))
    stream = _behind(tables._j_tenv.toDataStream(table._j_table, came), operator, uid, gone, parameters)
    schema = get_gateway().jvm.org.apache.flink.table.api.Schema.newBuilder().fromRowDataType(gone)
    if event_time is not None:
        schema = schema.watermark(event_time, "SOURCE_WATERMARK()")
    return Table(tables._j_tenv.fromDataStream(stream, schema.build()), tables)


def _behind(stream: Any, operator: str, uid: str, rows: Any, parameters: Sequence[int | str]) -> Any:
    flink = get_gateway().jvm.org.apache.flink
    before = stream.getTransformation()
    factory = flink.table.runtime.operators.CodeGenOperatorFactory(_generated(operator, parameters))
    type_information = flink.table.runtime.typeutils.InternalTypeInfo.of(rows.getLogicalType())
    transformation = flink.streaming.api.transformations.OneInputTransformation(
        before, uid, factory, type_information, before.getParallelism(), False
    )
    transformation.setUid(uid)
    return flink.streaming.api.datastream.DataStream(stream.getExecutionEnvironment(), transformation)


def _generated(operator: str, parameters: Sequence[int | str]) -> Any:
    """What the planner hands on of an operator that it has written: its source."""
    gateway = get_gateway()
    flink = gateway.jvm.org.apache.flink
    source = files("jobs.operators").joinpath(f"{operator}.java").read_text()
    references = gateway.new_array(gateway.jvm.java.lang.Object, len(parameters))
    for number, parameter in enumerate(parameters):
        references[number] = parameter
    return flink.table.runtime.generated.GeneratedOperator(
        operator, source, references, flink.configuration.Configuration()
    )
