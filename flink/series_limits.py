"""Readings of series that a limit keeps out, marked by an operator behind `scatter` (docs/adr/0031).

Internals: those of flink/operators_jar.py, and in Java an operator (`AbstractStreamOperator`).
"""

from dataclasses import dataclass

from pyflink.table import StreamTableEnvironment, Table

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


def limit_series(
    tables: StreamTableEnvironment, table: Table, uid: str, device: str, identity: str, limits: SeriesLimits
) -> Table:
    """The rows of `table` with the column `over_limit`: LimitSeriesOperator.java.

    It is NULL, or the detail of the limit that keeps a reading's series out.

    Parameters
    ----------
    uid
        The operator's name on the dashboard, and its identity in savepoints.
    device, identity
        Columns of BYTES. A row without an identity is no reading; an identity is the metric, a byte 0, and what else
        tells readings of a series apart.
    """
    of = (limits.series, limits.devices, limits.metrics_per_device)
    in_java = java_class("SeriesLimits")(*(each.maximum for each in of), limits.lifetime_s)
    in_java.withDetails(*(each.detail for each in of))
    return stage("limitSeries", tables, table, uid, device, identity, in_java)
