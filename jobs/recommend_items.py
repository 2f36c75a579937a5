"""recommend_items: what to recommend to each user, in Redis within two seconds of an interaction. Submitted by name."""

from pathlib import Path

from pyflink.common import Types
from pyflink.table import StatementSet, StreamTableEnvironment, Table

from connectors.endpoints import Endpoints, StackSettings
from connectors.redis.recommendation_lists import RedisLists
from flink import micro_batch
from flink.keys import key_by
from jobs import sql_file
from jobs.environment import table_environment
from jobs.operators.micro_batch import BYTES, SCORED
from jobs.operators.recommend_live import RecommendLive
from jobs.settings import JobSettings
from jobs.tables import APPEND_TIME, APPENDED_MS, KafkaTables
from schemas.topics import DEAD_LETTERS, INTERACTIONS, ITEMS, USERS_FORGOTTEN

JOB = "recommend_items"

MAX_BYTES = 256 * 1024
"""Of a micro-batch, about: a thousand interactions. A backlog comes in batches of this size."""


def models() -> Path:
    """Where the champion is; asked on the worker, in the worker's environment."""
    return StackSettings().home / "models" / "recommend"  # type: ignore[call-arg]  # from the environment or a default


def connect(lifetime_s: int) -> RedisLists:
    """Made on the worker, from the worker's environment."""
    return RedisLists.connect(Endpoints.load(), lifetime_s)


def build(tables: StreamTableEnvironment, settings: JobSettings) -> StatementSet:
    """interactions, items and users.forgotten, as records -> Redis, dead_letters."""

    def gather(tables: StreamTableEnvironment) -> Table:
        bounds = (1, settings.micro_batch_ms, MAX_BYTES)
        return micro_batch.gather(tables, tables.from_path("arrivals"), "gather-micro-batches", *bounds)

    def recommend(tables: StreamTableEnvironment) -> Table:
        micro_batches = key_by(tables, tables.from_path("micro_batches"), Types.INT(), BYTES)
        operator = RecommendLive(settings, models, connect, JOB)
        refused = micro_batches.process(operator, output_type=SCORED)
        return tables.from_data_stream(refused.uid("recommend-live").name("recommend-live"))

    def scatter(tables: StreamTableEnvironment) -> Table:
        return micro_batch.scatter(tables, tables.from_path("refused"), "scatter-dead-letters")

    every_shard = (f"SELECT {n} AS shard, frame FROM gathered" for n in range(settings.recommend_shards))
    constants = {"appended": APPENDED_MS, "to_every_shard": " UNION ALL ".join(every_shard)}
    stages = {"gather": gather, "recommend": recommend, "scatter": scatter}
    return sql_file.load(tables, JOB, constants, stages)


def main() -> None:
    settings, endpoints = JobSettings(), Endpoints.load()
    tables = table_environment(JOB)
    topics = KafkaTables(tables, JOB, endpoints, settings)
    # Uncommitted: an application's transaction is not waited for, and what comes twice counts once.
    topics.bytes_source("records", INTERACTIONS, ITEMS, USERS_FORGOTTEN, committed=False, extra_columns=[APPEND_TIME])
    topics.bytes_sink(DEAD_LETTERS)
    build(tables, settings).execute()


if __name__ == "__main__":
    main()
