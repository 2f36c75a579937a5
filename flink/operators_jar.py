"""headrace-flink.jar in the JVM of the client: the Java half of this package (flink/java).

Internals: PyFlink's gateway to its JVM (`pyflink.java_gateway`), the Java objects behind its tables (`_j_tenv`,
`_j_table`), and the constructor of `pyflink.table.Table`. PyFlink wraps no operator that is written in Java.
"""

from typing import Any

from pyflink.java_gateway import get_gateway
from pyflink.table import StreamTableEnvironment, Table


class MissingJar(RuntimeError):
    """Raised where headrace-flink.jar is not on the class path of the client. Terminal: it has to be built."""


def stage(method: str, tables: StreamTableEnvironment, table: Table, *arguments: Any) -> Table:
    """The table that a method of `io.headrace.flink.TableStages` makes of another one. Raises MissingJar."""
    stages = java_class("TableStages")
    return Table(getattr(stages, method)(tables._j_tenv, table._j_table, *arguments), tables)


def java_class(name: str) -> Any:
    """A class of headrace-flink.jar, to be called from Python. Raises MissingJar."""
    found = getattr(get_gateway().jvm.io.headrace.flink, name)
    # py4j takes what is no class for a package, and would say no more than that a package cannot be called.
    if type(found).__name__ == "JavaPackage":
        raise MissingJar("headrace-flink.jar is not in Flink's lib folder. Build it:  headrace setup")
    return found
