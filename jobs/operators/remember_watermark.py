"""A table whose watermark outlives a restart: RememberWatermark.java in its flow.

After a restart a source has no watermark for a while, and then one that is older than the last. Flink's window operator
keeps its own over a restart and drops without a word what is behind it; CURRENT_WATERMARK in SQL knows of none, and
takes that as in time. Behind this stage both see the same (docs/adr/0018).

The operator travels as source text and is compiled on the TaskManager, like those that Flink makes of SQL: no jar and
no JDK. The planner does not look through the stage: what stands behind it is judged behind it.
"""

from importlib.resources import files
from typing import Any

from pyflink.java_gateway import get_gateway
from pyflink.table import StreamTableEnvironment, Table

OPERATOR = "RememberWatermark"


def remember_watermark(tables: StreamTableEnvironment, table: Table, event_time: str, uid: str) -> Table:
    """The rows of `table` with its watermark, which the column `event_time` belongs to, from before a restart too.

    `uid` is the operator's name on the dashboard, and its identity in savepoints.
    """
    flink = get_gateway().jvm.org.apache.flink
    types = flink.table.types.utils.DataTypeUtils
    # Rows as the planner has them, on both sides: nothing is converted.
    planned = table._j_table.getResolvedSchema().toPhysicalRowDataType()
    rows = types.toInternalDataType(types.removeTimeAttribute(planned))
    stream = _remembering(tables._j_tenv.toDataStream(table._j_table, rows), uid)
    schema = flink.table.api.Schema.newBuilder().fromRowDataType(rows)
    schema = schema.watermark(event_time, "SOURCE_WATERMARK()").build()
    return Table(tables._j_tenv.fromDataStream(stream, schema), tables)


def _remembering(stream: Any, uid: str) -> Any:
    flink = get_gateway().jvm.org.apache.flink
    before, rows = stream.getTransformation(), stream.getType()
    factory = flink.table.runtime.operators.CodeGenOperatorFactory(_generated())
    transformation = flink.streaming.api.transformations.OneInputTransformation(
        before, uid, factory, rows, before.getParallelism(), False
    )
    transformation.setUid(uid)
    return flink.streaming.api.datastream.DataStream(stream.getExecutionEnvironment(), transformation)


def _generated() -> Any:
    """What the planner hands on of an operator that it has written: its source."""
    gateway = get_gateway()
    flink = gateway.jvm.org.apache.flink
    source = files("jobs.operators").joinpath(f"{OPERATOR}.java").read_text()
    references = gateway.new_array(gateway.jvm.java.lang.Object, 0)
    return flink.table.runtime.generated.GeneratedOperator(
        OPERATOR, source, references, flink.configuration.Configuration()
    )
