"""clean_telemetry: payloads to readings, duplicates and dead letters. The data flow is the .sql file."""

from pyflink.table import StatementSet, StreamTableEnvironment

from connectors.endpoints import Endpoints
from jobs import sql_file
from jobs.environment import table_environment
from jobs.settings import JobSettings
from jobs.tables import KafkaTables
from jobs.unit_constants import unit_constants
from schemas.limits import (
    MAX_CLOCK_SKEW_MINUTES,
    MAX_EVENT_TIME_MS,
    MAX_MESSAGE_ITEMS,
    MAX_NAME_LENGTH,
    MIN_EVENT_TIME_MS,
)
from schemas.topics import DEAD_LETTERS, TELEMETRY_DUPLICATES, TELEMETRY_READINGS

JOB = "clean_telemetry"


def build(tables: StreamTableEnvironment) -> StatementSet:
    """telemetry_raw -> telemetry_readings, telemetry_duplicates, dead_letters."""
    return sql_file.load(tables, JOB, constants())


def constants() -> dict[str, str]:
    """What the .sql file takes from schemas/: conversions of units, and limits."""
    return unit_constants() | {
        "max_name_length": str(MAX_NAME_LENGTH),
        "max_items": str(MAX_MESSAGE_ITEMS),
        "min_event_time_ms": str(MIN_EVENT_TIME_MS),
        "max_event_time_ms": str(MAX_EVENT_TIME_MS),
        "max_clock_skew_minutes": str(MAX_CLOCK_SKEW_MINUTES),
    }


def main() -> None:
    settings, endpoints = JobSettings(), Endpoints.load()
    tables = table_environment(JOB, **{"table.exec.state.ttl": f"{settings.duplicates_lifetime_s} s"})
    topics = KafkaTables(tables, JOB, endpoints, settings)
    topics.raw_source()
    for topic in (TELEMETRY_READINGS, TELEMETRY_DUPLICATES, DEAD_LETTERS):
        topics.sink(topic)
    build(tables).execute()


if __name__ == "__main__":
    main()
