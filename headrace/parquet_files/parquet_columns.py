"""Which columns of a Parquet file hold the times and the values, and which say whose."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from headrace.csv_files.columns import TIME_NAMES, listed
from headrace.csv_files.number_format import shown
from headrace.csv_files.series_columns import is_series_name, names_metric
from headrace.errors import UnusableFile
from headrace.scoring.file_readings import FileOptions


@dataclass(frozen=True)
class ParquetColumns:
    """Names of columns."""

    time: str
    values: tuple[str, ...]
    devices: tuple[str, ...]
    metrics: tuple[str, ...]

    @property
    def naming(self) -> tuple[str, ...]:
        """Those that say whose value a row holds."""
        return (*self.devices, *self.metrics)

    @property
    def used(self) -> list[str]:
        """All that have to be read."""
        return [self.time, *self.naming, *self.values]


def find_parquet_columns(name: str, schema: pa.Schema, options: FileOptions) -> ParquetColumns:
    """By the names that were given, else by those that are usual, and by type.

    Raises
    ------
    UnusableFile
        When a column is not there or has another type than it needs, or cannot be told.
    """
    _require_names_once(name, schema)
    time = _time(name, schema, options.time_column)
    values = [_named(name, schema, each, "numbers", _is_number) for each in options.value_columns]
    devices = [_named(name, schema, each, "names", _is_name) for each in options.device_columns]
    if twice := {time} & {*values, *devices} | {*values} & {*devices}:
        raise UnusableFile(f"{name}: {shown(min(twice))} cannot be two of time, value and device")
    free = [each for each in schema if each.name not in (time, *values, *devices)]
    usual = [each.name for each in free if is_series_name(each.name) and _is_name(each.type)]
    metrics = [each for each in usual if names_metric(each)]
    devices = devices or [each for each in usual if each not in metrics]
    if not values:
        numbers = [each.name for each in free if _is_number(each.type)]
        values = [each for each in numbers if each not in usual] or [each for each in numbers if each in devices]
        devices = [each for each in devices if each not in values]
    if not values:
        raise UnusableFile(f"{name} has no column of numbers besides the time; it has {described(schema)}")
    return ParquetColumns(time, tuple(dict.fromkeys(values)), tuple(dict.fromkeys(devices)), tuple(metrics))


def described(schema: pa.Schema, without: Sequence[str] = ()) -> str:
    """Columns with their types, for a message."""
    return listed([f"{each.name} ({str(each.type)[:20]})" for each in schema if each.name not in without])


def _time(name: str, schema: pa.Schema, given: str | None) -> str:
    if given is not None:
        return _named(name, schema, given, "times", _can_be_time)
    for usual in TIME_NAMES:
        if found := [each.name for each in schema if each.name.lower() == usual and _can_be_time(each.type)]:
            return str(found[0])
    typed = [each.name for each in schema if pa.types.is_timestamp(each.type) or pa.types.is_date(each.type)]
    if len(typed) == 1:
        return str(typed[0])
    raise UnusableFile(f"{name}: which column holds the times? It has {described(schema)}. Say which:  --time-column")


def _named(name: str, schema: pa.Schema, given: str, what: str, fits: Callable[[pa.DataType], bool]) -> str:
    found = [each for each in schema if each.name == given]
    found = found or [each for each in schema if each.name.lower() == given.strip().lower()]
    if len(found) != 1:
        there = f"has no column {given!r}" if not found else f"has {len(found)} columns {given!r}"
        raise UnusableFile(f"{name} {there}; it has {described(schema)}")
    if not fits(found[0].type):
        raise UnusableFile(f"{name}: column {shown(found[0].name)} is of type {found[0].type}, which holds no {what}")
    return str(found[0].name)


def _require_names_once(name: str, schema: pa.Schema) -> None:
    for each in schema.names:
        if schema.names.count(each) > 1:
            raise UnusableFile(f"{name} has {schema.names.count(each)} columns {shown(each)}. Rename them")


def _plain(type_: pa.DataType) -> pa.DataType:
    return type_.value_type if pa.types.is_dictionary(type_) else type_


def is_text(type_: pa.DataType) -> bool:
    """Whether cells are strings, also those of a dictionary."""
    return bool(pa.types.is_string(_plain(type_)) or pa.types.is_large_string(_plain(type_)))


def _is_name(type_: pa.DataType) -> bool:
    return is_text(type_) or bool(pa.types.is_integer(_plain(type_)))


def _is_number(type_: pa.DataType) -> bool:
    return bool(pa.types.is_integer(type_) or pa.types.is_floating(type_) or pa.types.is_decimal(type_))


def _can_be_time(type_: pa.DataType) -> bool:
    return pa.types.is_timestamp(type_) or pa.types.is_date(type_) or is_text(type_) or _is_number(type_)
