"""score_anomalies: a score for every reading, from online models in checkpointed state."""

from pyflink.common import Types
from pyflink.table import StatementSet, StreamTableEnvironment, Table

from connectors.endpoints import Endpoints
from jobs import sql_file
from jobs.environment import table_environment
from jobs.operators.java_key_by import java_key_by
from jobs.operators.java_stage import java_stage
from jobs.operators.micro_batch import GATHERED, MICRO_BATCH, SCATTERED, SCORED
from jobs.operators.score_fleet import ScoreFleet
from jobs.settings import JobSettings
from jobs.tables import KafkaTables
from schemas.topics import TELEMETRY_ANOMALIES, TELEMETRY_READINGS

JOB = "score_anomalies"

MOST_BYTES = 256 * 1024
"""Of a micro-batch, about: a thousand readings. A backlog comes in batches of this size."""


def build(tables: StreamTableEnvironment, settings: JobSettings) -> StatementSet:
    """readings -> telemetry_anomalies."""

    def gather(tables: StreamTableEnvironment) -> Table:
        parameters = (settings.buckets, settings.micro_batch_ms, MOST_BYTES)
        bucketed = tables.from_path("bucketed")
        return java_stage(tables, bucketed, "GatherMicroBatches", "gather-micro-batches", GATHERED, parameters)

    def score_fleet(tables: StreamTableEnvironment) -> Table:
        micro_batches = java_key_by(tables, tables.from_path("micro_batches"), Types.INT(), MICRO_BATCH)
        scored = micro_batches.process(ScoreFleet(settings.detector, settings.snapshot_every), output_type=SCORED)
        return tables.from_data_stream(scored.uid("score-fleet").name(f"score-fleet {settings.detector}"))

    def scatter(tables: StreamTableEnvironment) -> Table:
        return java_stage(tables, tables.from_path("scored"), "ScatterRecords", "scatter-records", SCATTERED)

    stages = {"gather": gather, "score_fleet": score_fleet, "scatter": scatter}
    return sql_file.load(tables, JOB, {"buckets": str(settings.buckets)}, stages)


def main() -> None:
    settings, endpoints = JobSettings(), Endpoints.load()
    tables = table_environment(JOB)
    topics = KafkaTables(tables, JOB, endpoints, settings)
    # Uncommitted: the checkpoint interval is not in the latency, and the scorer's guard drops what comes twice.
    topics.bytes_source("readings", TELEMETRY_READINGS, committed=False)
    topics.bytes_sink(TELEMETRY_ANOMALIES)
    build(tables, settings).execute()


if __name__ == "__main__":
    main()
