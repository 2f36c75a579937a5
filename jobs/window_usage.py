"""window_usage: usage features of each customer, as of each whole hour. The data flow is the .sql file.

The features of an hour come 20 minutes after its end: for 15 minutes counts of it are taken in, and 5 minutes more go
by for what Kafka has taken and not shown yet. After that a count is in the features of the next hour.
"""

from pyflink.table import StatementSet, StreamTableEnvironment

from connectors.endpoints import Endpoints
from jobs import sql_file
from jobs.environment import table_environment
from jobs.settings import JobSettings
from jobs.tables import APPEND_TIME, APPENDED_MS, KafkaTables
from schemas.topics import CUSTOMERS_USAGE, USAGE_HOURS
from schemas.usage_features import GRACE_MS, KNOWN_AT_SQL, MAX_WINDOW_H, USAGE_FEATURES, UsageSource

JOB = "window_usage"

GRACE_MIN = GRACE_MS // 60_000

EVENT_TIME = "`et` AS TO_TIMESTAMP_LTZ(COALESCE(`hour_start`, 0), 3)"
# By the broker's time and not by the hours: a record of an hour long ago is no reason to wait, and none of an hour to
# come closes a window. One ms more than the grace: what KNOWN lets in comes before its window closes.
WATERMARK = f"WATERMARK FOR `et` AS `append_time` - INTERVAL '{GRACE_MIN}:00.001' MINUTE TO SECOND"

CLOCK_TICKS = f"""CREATE TEMPORARY TABLE clock_ticks (
  `tick` BIGINT,
  `et` AS TO_TIMESTAMP_LTZ(1000 * UNIX_TIMESTAMP(), 3),
  WATERMARK FOR `et` AS `et` - INTERVAL '{GRACE_MIN + 5}' MINUTE
) WITH ('connector' = 'datagen', 'rows-per-second' = '1')"""


def build(tables: StreamTableEnvironment) -> StatementSet:
    """usage_hours, clock_ticks -> customers_usage."""
    return sql_file.load(
        tables,
        JOB,
        {
            "appended": APPENDED_MS,
            "window_h": str(MAX_WINDOW_H + 1),
            "sources": ", ".join(f"'{source}'" for source in UsageSource),
            "known": KNOWN_AT_SQL,
            "features": ", ".join(f"'{feature.name}', {feature.sql}" for feature in USAGE_FEATURES),
        },
    )


def main() -> None:
    settings, endpoints = JobSettings(), Endpoints.load()
    tables = table_environment(JOB)
    topics = KafkaTables(tables, JOB, endpoints, settings)
    idle = f"{settings.idle_timeout_s} s"
    topics.source(USAGE_HOURS, APPEND_TIME, EVENT_TIME, WATERMARK, scan__watermark__idle_timeout=idle)
    tables.execute_sql(CLOCK_TICKS)
    topics.sink(CUSTOMERS_USAGE)
    build(tables).execute()


if __name__ == "__main__":
    main()
