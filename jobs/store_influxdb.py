"""store_influxdb: readings, windows and scores to InfluxDB. A job of its own, so that its outage stops nothing else."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from pyflink.table import StatementSet, StreamTableEnvironment

from connectors.endpoints import Endpoints
from connectors.influxdb.device_fields import DeviceFields
from connectors.influxdb.points import point
from connectors.influxdb.writer import InfluxDBWriter
from connectors.kafka.follower import followed
from jobs import sql_file
from jobs.environment import table_environment
from jobs.operators.write_to_store import RowOf, Rows, write_to_store
from jobs.settings import JobSettings
from jobs.tables import KafkaTables
from schemas.reject_reasons import RejectReason
from schemas.topics import (
    CHURN_SCORES,
    DEAD_LETTERS,
    DEVICES,
    RECOMMENDATIONS_FEEDBACK,
    TELEMETRY_ANOMALIES,
    TELEMETRY_READINGS,
    TELEMETRY_WINDOWS,
)

JOB = "store_influxdb"


def connect() -> InfluxDBWriter:
    """Made on the worker, from the worker's environment."""
    return InfluxDBWriter.connect(Endpoints.load())


@contextmanager
def points(kafka: str) -> Iterator[Rows]:
    """Points with the metadata of their devices: a copy of the compacted topic, so that no reading waits for a row."""
    fields = DeviceFields()
    with followed(kafka, DEVICES, fields.take) as devices:

        def row_of(topic: str, record: bytes | None) -> str:
            return point(topic, record, fields.of)

        def rows() -> RowOf:
            devices.raise_if_ended()
            return row_of

        yield rows


def build(tables: StreamTableEnvironment, kafka: str) -> StatementSet:
    """Readings, windows, scores, churn risks, feedback on lists, and devices -> InfluxDB, dead_letters.

    The worker follows `devices` at `kafka`, which is where the job's own sources are: it holds no secret.
    """
    write = write_to_store(JOB, RejectReason.REFUSED_BY_INFLUXDB, connect, partial(points, kafka))
    tables.create_temporary_function("write_to_influxdb", write)
    return sql_file.load(tables, JOB)


def main() -> None:
    settings, endpoints = JobSettings(), Endpoints.load()
    tables = table_environment(JOB)
    topics = KafkaTables(tables, JOB, endpoints, settings)
    # A reading or a score of an aborted transaction comes again as the same point. A window need not: its readings
    # may be late after the restart, so windows are read when they are final.
    topics.bytes_source("records", TELEMETRY_READINGS, TELEMETRY_ANOMALIES, CHURN_SCORES, committed=False)
    topics.bytes_source("committed_records", TELEMETRY_WINDOWS, RECOMMENDATIONS_FEEDBACK)
    topics.counted("stored_in_influxdb", "`offset` BIGINT")
    topics.sink(DEAD_LETTERS)
    build(tables, endpoints.kafka).execute()


if __name__ == "__main__":
    main()
