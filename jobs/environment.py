"""The environment that every job runs in: options that belong to the job and not to the cluster."""

from pyflink.common import Configuration
from pyflink.datastream import StreamExecutionEnvironment
from pyflink.table import StreamTableEnvironment

from flink.operator_ids import number_operators_from_one

TABLE_OPTIONS = {
    # One parse for all outputs of a statement set; jobs/sql_file.py says what else that takes.
    "table.optimizer.reuse-optimize-block-with-digest-enabled": "true",
    # Operators of a plan keep their identity, so that a savepoint finds its state again: their number and their kind.
    "table.exec.uid.generation": "ALWAYS",
    "table.local-time-zone": "UTC",
    # Rows are not changed after they were handed on: no copy between chained operators.
    "pipeline.object-reuse": "true",
}


def table_environment(job: str, **options: str) -> StreamTableEnvironment:
    """A streaming table environment for the job called `job`. Starts a JVM: only `main()` calls this."""
    configuration = Configuration()
    for name, value in {**TABLE_OPTIONS, "pipeline.name": job, **options}.items():
        configuration.set_string(name, value)
    tables = StreamTableEnvironment.create(StreamExecutionEnvironment.get_execution_environment(configuration))
    number_operators_from_one(tables)
    return tables
