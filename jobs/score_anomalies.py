"""score_anomalies: a score for every reading, from online models in checkpointed state."""

from functools import partial

from pyflink.common import Types
from pyflink.table import StatementSet, StreamTableEnvironment, Table

from connectors.endpoints import Endpoints
from flink import micro_batch
from flink.keys import key_by
from jobs import sql_file
from jobs.environment import table_environment
from jobs.operators.micro_batch import ANSWERS, BYTES
from jobs.operators.score_fleet import TICK_MS, ScoreFleet
from jobs.scorer import make_scorer
from jobs.settings import JobSettings
from jobs.tables import KafkaTables
from schemas.topics import DEAD_LETTERS, TELEMETRY_ANOMALIES, TELEMETRY_READINGS, TELEMETRY_VERDICTS

JOB = "score_anomalies"

MAX_BYTES = 256 * 1024
"""Of a micro-batch, about: a thousand readings. A backlog comes in batches of this size."""


def build(tables: StreamTableEnvironment, settings: JobSettings, tick_ms: int = TICK_MS) -> StatementSet:
    """Inputs, which are readings and verdicts -> telemetry_anomalies, dead_letters."""

    def gather(tables: StreamTableEnvironment) -> Table:
        bounds = (settings.buckets, settings.micro_batch_ms, MAX_BYTES, tick_ms)
        return micro_batch.gather(tables, tables.from_path("bucketed"), "gather-micro-batches", *bounds)

    def score_fleet(tables: StreamTableEnvironment) -> Table:
        micro_batches = key_by(tables, tables.from_path("gathered"), Types.INT(), BYTES)
        operator = ScoreFleet(partial(make_scorer, settings), settings.snapshot_every, JOB, tick_ms)
        answers = micro_batches.process(operator, output_type=ANSWERS)
        return tables.from_data_stream(answers.uid("score-fleet").name(f"score-fleet {settings.detector}"))

    def scatter_scores(tables: StreamTableEnvironment) -> Table:
        return micro_batch.scatter(tables, tables.from_path("scored"), "scatter-records")

    def scatter_dead_letters(tables: StreamTableEnvironment) -> Table:
        return micro_batch.scatter(tables, tables.from_path("refused"), "scatter-dead-letters")

    stages = {
        "gather": gather,
        "score_fleet": score_fleet,
        "scatter_scores": scatter_scores,
        "scatter_dead_letters": scatter_dead_letters,
    }
    return sql_file.load(tables, JOB, {"buckets": str(settings.buckets)}, stages)


def main() -> None:
    settings, endpoints = JobSettings(), Endpoints.load()
    tables = table_environment(JOB)
    topics = KafkaTables(tables, JOB, endpoints, settings)
    # Uncommitted: the checkpoint interval is not in the latency, and the scorer's guard drops what comes twice.
    topics.bytes_source("inputs", TELEMETRY_READINGS, TELEMETRY_VERDICTS, committed=False)
    topics.bytes_sink(TELEMETRY_ANOMALIES)
    topics.bytes_sink(DEAD_LETTERS)
    build(tables, settings).execute()


if __name__ == "__main__":
    main()
