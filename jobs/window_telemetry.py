"""window_telemetry: readings to windows of 10 s and 1 min in event time. The data flow is the .sql file.

When do windows close? The watermark is the older of two: 5 s behind the newest reading of the slowest
partition, and 10 s behind the clock. So a window closes 10 s after its end while readings flow. A
partition without readings for 60 s (a setting) is left out; when all are, the clock goes on alone, and the
last windows of a fleet that went silent close within 70 s, or 10 s after their end if that is later.

Under 30 s a cold start marks partitions idle before their first record came, and the backlog is late. A restart of
the cleaning after a lost TaskManager takes as long: 60 s leaves room for it.
"""

from pyflink.table import StatementSet, StreamTableEnvironment, Table

from connectors.endpoints import Endpoints
from flink.watermark import remember_watermark
from jobs import sql_file
from jobs.environment import table_environment
from jobs.settings import JobSettings
from jobs.tables import APPEND_TIME, KafkaTables
from schemas.topics import TELEMETRY_LATE, TELEMETRY_READINGS, TELEMETRY_WINDOWS

JOB = "window_telemetry"

# A record without event_time can only come from a foreign producer: it must not stop the job, nor move the watermark.
EVENT_TIME = "`et` AS TO_TIMESTAMP_LTZ(COALESCE(`event_time`, 0), 3)"
# A device whose clock runs ahead moves the watermark to the broker's time and no further.
WATERMARK = "WATERMARK FOR `et` AS LEAST(`et`, `append_time`) - INTERVAL '5' SECOND"

CLOCK_TICKS = """CREATE TEMPORARY TABLE clock_ticks (
  `tick` BIGINT,
  `et` AS TO_TIMESTAMP_LTZ(1000 * UNIX_TIMESTAMP(), 3),
  WATERMARK FOR `et` AS `et` - INTERVAL '10' SECOND
) WITH ('connector' = 'datagen', 'rows-per-second' = '1')"""


def build(tables: StreamTableEnvironment) -> StatementSet:
    """telemetry_readings, clock_ticks -> telemetry_windows, telemetry_late."""

    def remembered(tables: StreamTableEnvironment) -> Table:
        return remember_watermark(tables, tables.from_path("arrivals"), uid="remember-watermark", event_time="et")

    return sql_file.load(tables, JOB, operators={"remember_watermark": remembered})


def main() -> None:
    settings, endpoints = JobSettings(), Endpoints.load()
    tables = table_environment(JOB)
    topics = KafkaTables(tables, JOB, endpoints, settings)
    idle = f"{settings.idle_timeout_s} s"
    topics.source(TELEMETRY_READINGS, APPEND_TIME, EVENT_TIME, WATERMARK, scan__watermark__idle_timeout=idle)
    tables.execute_sql(CLOCK_TICKS)
    for topic in (TELEMETRY_WINDOWS, TELEMETRY_LATE):
        topics.sink(topic)
    build(tables).execute()


if __name__ == "__main__":
    main()
