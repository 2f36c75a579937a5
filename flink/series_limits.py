"""Readings of series that a limit keeps out, marked by an operator behind the scattering one (docs/adr/0031).

Internals: those of flink/operators_jar.py and flink/micro_batch.py.
"""

from dataclasses import dataclass

from pyflink.table import StreamTableEnvironment, Table
from pyflink.table.types import DataType, _to_java_data_type

from flink.operators_jar import java_class, stage


@dataclass(frozen=True)
class Limit:
    """How many there may be, and what a person is told of a reading that would be one more."""

    maximum: int
    detail: str


@dataclass(frozen=True)
class SeriesLimits:
    """Of a whole job, whose subtasks share them. `lifetime_s`: seconds for which a silent series counts."""

    series: Limit
    devices: Limit
    metrics_per_device: Limit
    lifetime_s: int


def scatter_within_limits(
    tables: StreamTableEnvironment,
    table: Table,
    uids: tuple[str, str],
    records: DataType,
    identified_by: tuple[str, str],
    limits: SeriesLimits,
) -> Table:
    """As `flink.micro_batch.scatter`, with the further column `over_limit`: LimitSeriesOperator.java.

    It is NULL, or the detail of the limit that keeps a reading's series out.

    Parameters
    ----------
    uids
        The names of the two operators on the dashboard, and their identities in savepoints.
    identified_by
        Columns of BYTES: the device, and the identity of a reading. That is its metric, a byte 0, and what else tells
        readings of a series apart; a record without one is no reading.
    """
    of = (limits.series, limits.devices, limits.metrics_per_device)
    in_java = java_class("SeriesLimits")(*(each.maximum for each in of), limits.lifetime_s)
    in_java.withDetails(*(each.detail for each in of))
    scatter, limit = uids
    device, identity = identified_by
    arguments = (scatter, _to_java_data_type(records), limit, device, identity, in_java)
    return stage("scatterWithinLimits", tables, table, *arguments)
