"""store_redis: device state and alerts to Redis. A job of its own, so that its outage stops nothing else."""

from contextlib import nullcontext

from pyflink.table import StatementSet, StreamTableEnvironment

from connectors.endpoints import Endpoints
from connectors.redis.device_state import RedisWriter
from connectors.redis.updates import update
from jobs import sql_file
from jobs.environment import table_environment
from jobs.operators.write_to_store import Rows, write_to_store
from jobs.settings import JobSettings
from jobs.tables import KafkaTables
from schemas.reject_reasons import RejectReason
from schemas.topics import CHURN_SCORES, DEAD_LETTERS, TELEMETRY_ANOMALIES, TELEMETRY_READINGS, TELEMETRY_VERDICTS

JOB = "store_redis"


def connect() -> RedisWriter:
    """Made on the worker, from the worker's environment."""
    return RedisWriter.connect(Endpoints.load())


def updates() -> "nullcontext[Rows]":
    """What a record becomes needs nothing but the record."""
    return nullcontext(lambda: update)


def build(tables: StreamTableEnvironment) -> StatementSet:
    """telemetry_readings, telemetry_anomalies, telemetry_verdicts, churn_scores -> Redis, dead_letters."""
    write = write_to_store(JOB, RejectReason.REFUSED_BY_REDIS, connect, updates)
    tables.create_temporary_function("write_to_redis", write)
    return sql_file.load(tables, JOB)


def main() -> None:
    settings, endpoints = JobSettings(), Endpoints.load()
    tables = table_environment(JOB)
    topics = KafkaTables(tables, JOB, endpoints, settings)
    topics.bytes_source(
        "records", TELEMETRY_READINGS, TELEMETRY_ANOMALIES, TELEMETRY_VERDICTS, CHURN_SCORES, committed=False
    )
    topics.counted("stored_in_redis", "`offset` BIGINT")
    topics.sink(DEAD_LETTERS)
    build(tables).execute()


if __name__ == "__main__":
    main()
