"""count_usage: readings and interactions, counted for each customer and hour. The data flow is the .sql file.

Submitted by name: whose a device is comes from change capture.
"""

import time
from pathlib import Path

from pyflink.table import StatementSet, StreamTableEnvironment

from connectors.endpoints import Endpoints
from connectors.pseudonyms import KEY_BELOW_HOME
from flink.functions import register_pseudonym, text_literal
from jobs import sql_file
from jobs.environment import table_environment
from jobs.settings import JobSettings
from jobs.tables import APPEND_TIME, APPENDED_MS, PROCESSING_TIME, KafkaTables
from schemas.topics import DEVICES, INTERACTIONS, TELEMETRY_READINGS, USAGE_HOURS
from schemas.usage_features import HOUR_MS, MAX_AGE_MS, MAX_USAGE_SKEW_MS

JOB = "count_usage"

DELETED = "`__deleted` STRING"


def build(
    tables: StreamTableEnvironment, settings: JobSettings, begins_s: int = 0, key: Path = KEY_BELOW_HOME
) -> StatementSet:
    """telemetry_readings, devices, interactions -> usage_hours.

    A window begins at `begins_s`, s since the epoch; `key` is the file that pseudonyms are made with.
    """
    every_s = settings.usage_counted_every_s
    constants = {
        "pseudonym_key": text_literal(str(key)),
        "appended": APPENDED_MS,
        "counted_every": f"INTERVAL '{every_s}' SECOND(4), INTERVAL '{begins_s % every_s}' SECOND(4)",
        "hour_ms": str(HOUR_MS),
        "oldest_ms": str(MAX_AGE_MS),
        "soonest_ms": str(MAX_USAGE_SKEW_MS),
    }
    register_pseudonym(tables)
    return sql_file.load(tables, JOB, constants)


def main() -> None:
    settings, endpoints = JobSettings(), Endpoints.load()
    tables = table_environment(JOB)
    topics = KafkaTables(tables, JOB, endpoints, settings)
    topics.source(TELEMETRY_READINGS, APPEND_TIME, PROCESSING_TIME)
    topics.source(INTERACTIONS, APPEND_TIME, PROCESSING_TIME)
    topics.source(DEVICES, DELETED)
    topics.sink(USAGE_HOURS)
    build(tables, settings, int(time.time())).execute()


if __name__ == "__main__":
    main()
