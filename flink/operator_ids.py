"""The same identities of operators for a job, whichever jobs were planned before it in the same JVM.

Flink numbers the operators of all plans of a JVM in one row, and the number is in an operator's identity. A job that
was planned behind others would have other identities than the same job planned alone, and neither could start from the
other's savepoint.

Internals: the planner (`_j_tenv.getPlanner()`), and in it `ExecNodeContext.resetIdCounter`. The planner has a class
loader of its own, hence the reflection.
"""

from pyflink.java_gateway import get_gateway
from pyflink.table import StreamTableEnvironment


def number_operators_from_one(tables: StreamTableEnvironment) -> None:
    """To be called before a job is planned."""
    gateway = get_gateway()
    loader = tables._j_tenv.getPlanner().getClass().getClassLoader()
    numbering = loader.loadClass("org.apache.flink.table.planner.plan.nodes.exec.ExecNodeContext")
    reset = numbering.getMethod("resetIdCounter", gateway.new_array(gateway.jvm.java.lang.Class, 0))
    reset.invoke(None, gateway.new_array(gateway.jvm.java.lang.Object, 0))
