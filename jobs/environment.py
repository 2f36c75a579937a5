"""The environment that every job runs in: options that belong to the job and not to the cluster."""

from pyflink.common import Configuration
from pyflink.datastream import StreamExecutionEnvironment
from pyflink.java_gateway import get_gateway
from pyflink.table import StreamTableEnvironment

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
    _number_operators_from_one(tables)
    return tables


def _number_operators_from_one(tables: StreamTableEnvironment) -> None:
    """Flink numbers the operators of all plans of a JVM in one row, and the number is in an operator's identity.

    A job that was planned behind others would have other identities than the same job planned alone, and neither
    could start from the other's savepoint. The planner has a class loader of its own, hence the reflection.
    """
    gateway = get_gateway()
    loader = tables._j_tenv.getPlanner().getClass().getClassLoader()
    numbering = loader.loadClass("org.apache.flink.table.planner.plan.nodes.exec.ExecNodeContext")
    reset = numbering.getMethod("resetIdCounter", gateway.new_array(gateway.jvm.java.lang.Class, 0))
    reset.invoke(None, gateway.new_array(gateway.jvm.java.lang.Object, 0))
