"""A job's .sql file: views from source tables to result tables, then the INSERTs, read top to bottom."""

import re
from collections.abc import Callable, Mapping
from importlib.resources import files

from pyflink.table import StatementSet, StreamTableEnvironment, Table

_VIEW = re.compile(r"CREATE TEMPORARY VIEW (\w+) AS\s+(.*)", re.DOTALL)
_OPERATOR = re.compile(r"OPERATOR (\w+)")
_CONSTANT = re.compile(r"\$\{(\w+)\}")

Operator = Callable[[StreamTableEnvironment], Table]


def statements(sql: str) -> list[str]:
    """The statements of a file without its comment lines. A statement ends with `;` at the end of a line."""
    without_comments = re.sub(r"^\s*--.*$", "", sql, flags=re.MULTILINE)
    return [s.strip() for s in re.split(r";\s*$", without_comments, flags=re.MULTILINE) if s.strip()]


def load(
    tables: StreamTableEnvironment,
    job: str,
    constants: Mapping[str, str] | None = None,
    operators: Mapping[str, Operator] | None = None,
) -> StatementSet:
    """Registers the views of `jobs/{job}.sql` and returns its INSERTs as one statement set, which is one job.

    Views are registered as Table objects and not by executing CREATE VIEW: only then does the
    planner share one parse between all outputs (table.optimizer.reuse-optimize-block-with-digest-enabled
    is lost where UNNEST stands in a SQL view).

    Parameters
    ----------
    constants
        SQL text for each `${name}` of the file. Raises KeyError for one that is missing.
    operators
        Where the file says `CREATE TEMPORARY VIEW x AS OPERATOR name`, the stage of that name:
        called with the environment, whose views above x are registered, it returns x.
    """
    statement_set = tables.create_statement_set()
    for statement in statements(files("jobs").joinpath(f"{job}.sql").read_text()):
        statement = _CONSTANT.sub(lambda name: (constants or {})[name[1]], statement)
        view = _VIEW.match(statement)
        if not view:
            statement_set.add_insert_sql(statement)
            continue
        name, query = view.groups()
        operator = _OPERATOR.fullmatch(query)
        table = (operators or {})[operator[1]](tables) if operator else tables.sql_query(query)
        tables.create_temporary_view(name, table)
    return statement_set
