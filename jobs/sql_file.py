"""A job's .sql file: views from source tables to result tables, then the INSERTs, read top to bottom."""

import re
from pathlib import Path

from pyflink.table import StatementSet, StreamTableEnvironment

_VIEW = re.compile(r"CREATE TEMPORARY VIEW (\w+) AS\s+(.*)", re.DOTALL)
_CONSTANT = re.compile(r"\$\{(\w+)\}")


def statements(sql: str) -> list[str]:
    """The statements of a file without comments. A statement ends with `;` at the end of a line."""
    without_comments = re.sub(r"^\s*--.*$", "", sql, flags=re.MULTILINE)
    return [s.strip() for s in re.split(r";\s*$", without_comments, flags=re.MULTILINE) if s.strip()]


def load(tables: StreamTableEnvironment, file: Path, constants: dict[str, str] | None = None) -> StatementSet:
    """Registers the file's views and returns its INSERTs as one statement set, which is one job.

    Views are registered as Table objects and not by executing CREATE VIEW: only then does the
    planner share one parse between all outputs (table.optimizer.reuse-optimize-block-with-digest-enabled
    is lost where UNNEST stands in a SQL view).
    """
    statement_set = tables.create_statement_set()
    for statement in statements(file.read_text()):
        statement = _CONSTANT.sub(lambda name: (constants or {})[name[1]], statement)
        view = _VIEW.match(statement)
        if view:
            tables.create_temporary_view(view[1], tables.sql_query(view[2]))
        else:
            statement_set.add_insert_sql(statement)
    return statement_set
