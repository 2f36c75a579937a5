"""The jobs that bench/clean.py compares: the whole of clean_telemetry, and a job that only parses JSON."""

import sys

from pyflink.table import StreamTableEnvironment

from connectors.endpoints import Endpoints
from jobs.clean_telemetry import OPTIONS, build
from jobs.environment import table_environment
from jobs.settings import MAX_LIMIT, JobSettings
from jobs.tables import KafkaTables
from schemas.topics import (
    DEAD_LETTERS,
    TELEMETRY_COMMANDS,
    TELEMETRY_DUPLICATES,
    TELEMETRY_IGNORED,
    TELEMETRY_RAW,
    TELEMETRY_READINGS,
)


def main(variant: str) -> None:
    settings = JobSettings(max_series=MAX_LIMIT, max_devices=MAX_LIMIT, max_metrics_per_device=MAX_LIMIT)
    endpoints = Endpoints.load()
    tables = table_environment(f"bench_{variant}", **OPTIONS, **{"table.exec.state.ttl": "1 h"})
    topics = KafkaTables(tables, f"bench_{variant}", endpoints, settings)
    if variant == "json":
        _parse_only(tables, topics, endpoints)
        return
    topics.raw_source()
    for topic in (TELEMETRY_READINGS, TELEMETRY_DUPLICATES, TELEMETRY_IGNORED, TELEMETRY_COMMANDS, DEAD_LETTERS):
        topics.bytes_sink(topic)
    build(tables, settings).execute()


def _parse_only(tables: StreamTableEnvironment, topics: KafkaTables, endpoints: Endpoints) -> None:
    """`json` loses the bad rows and knows one shape of payload; exactly once, as the cleaning."""
    tables.execute_sql(f"""CREATE TEMPORARY TABLE parsed (
      `device` STRING, `metric` STRING, `value` DOUBLE, `unit` STRING, `ts` BIGINT, `seq` BIGINT,
      `partition` INT METADATA VIRTUAL, `offset` BIGINT METADATA VIRTUAL
    ) WITH (
      'connector' = 'kafka', 'topic' = '{TELEMETRY_RAW.name}', 'properties.bootstrap.servers' = '{endpoints.kafka}',
      'properties.group.id' = 'bench-json', 'properties.isolation.level' = 'read_committed',
      'scan.startup.mode' = 'earliest-offset', 'key.format' = 'raw', 'key.fields' = 'device',
      'value.format' = 'json', 'value.json.ignore-parse-errors' = 'true', 'value.fields-include' = 'EXCEPT_KEY'
    )""")
    topics.sink(TELEMETRY_READINGS)
    tables.execute_sql(
        "INSERT INTO telemetry_readings SELECT 1, device, metric, ts, `value`, unit, seq, "
        "ROW('telemetry.raw', `partition`, `offset`, 0, 1) FROM parsed"
    )


if __name__ == "__main__":
    main(sys.argv[1])
