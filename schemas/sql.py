"""SQL columns of a record, made from its pydantic fields."""

import types
import typing
from enum import Enum

from pydantic import BaseModel

_SQL_TYPES = {str: "STRING", int: "BIGINT", float: "DOUBLE", bool: "BOOLEAN", bytes: "BYTES"}
_INT_COLUMNS = {"partition", "item", "items", "replays", "schema_version", "detector_version"}
"""Counters that never pass 2^31: INT, as Kafka's own partition is."""


def columns(record: type[BaseModel]) -> str:
    r"""The column list of `CREATE TABLE`, one column a line: "`device` STRING,\n  `value` DOUBLE"."""
    return ",\n  ".join(f"`{name}` {sql_type(name, field.annotation)}" for name, field in record.model_fields.items())


def sql_type(name: str, annotation: object) -> str:
    """Flink SQL type of a field.

    Raises
    ------
    TypeError
        For a Python type that no record uses yet.
    """
    annotation = _without_none(annotation)
    if annotation is int and name in _INT_COLUMNS:
        return "INT"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = (f"`{n}` {sql_type(n, f.annotation)}" for n, f in annotation.model_fields.items())
        return f"ROW<{', '.join(fields)}>"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return "STRING"
    if typing.get_origin(annotation) is dict:
        key, value = typing.get_args(annotation)
        return f"MAP<{_SQL_TYPES[key]}, {_SQL_TYPES[value]}>"
    if typing.get_origin(annotation) is tuple:
        element, _ = typing.get_args(annotation)
        return f"ARRAY<{sql_type(name, element)}>"
    if annotation in _SQL_TYPES:
        return _SQL_TYPES[annotation]  # type: ignore[index]
    raise TypeError(f"no SQL type for field {name!r} of type {annotation!r}: add it to schemas/sql.py")


def _without_none(annotation: object) -> object:
    """`int` of `int | None`."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        (annotation,) = (a for a in typing.get_args(annotation) if a is not type(None))
    return annotation
