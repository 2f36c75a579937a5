"""score_anomalies: a score for every reading, from online models in checkpointed state."""

from pyflink.common import Types
from pyflink.table import StatementSet, StreamTableEnvironment, Table

from connectors.endpoints import Endpoints
from jobs import sql_file
from jobs.environment import table_environment
from jobs.operators.java_key_by import java_key_by
from jobs.operators.micro_batch import MICRO_BATCH, SCORED
from jobs.operators.score_fleet import ScoreFleet
from jobs.settings import JobSettings
from jobs.tables import PROCESSING_TIME, KafkaTables
from schemas.topics import TELEMETRY_ANOMALIES, TELEMETRY_READINGS

JOB = "score_anomalies"


def build(tables: StreamTableEnvironment, settings: JobSettings) -> StatementSet:
    """readings -> telemetry_anomalies."""

    def score_fleet(tables: StreamTableEnvironment) -> Table:
        micro_batches = java_key_by(tables, tables.from_path("micro_batches"), Types.INT(), MICRO_BATCH)
        scored = micro_batches.process(ScoreFleet(settings.detector, settings.snapshot_every), output_type=SCORED)
        return tables.from_data_stream(scored.uid("score-fleet").name(f"score-fleet {settings.detector}"))

    constants = {
        "buckets": str(settings.buckets),
        "micro_batch": f"INTERVAL '{settings.micro_batch_ms / 1000:.3f}' SECOND(1, 3)",
    }
    return sql_file.load(tables, JOB, constants, {"score_fleet": score_fleet})


def main() -> None:
    settings, endpoints = JobSettings(), Endpoints.load()
    tables = table_environment(JOB)
    topics = KafkaTables(tables, JOB, endpoints, settings)
    # Uncommitted: the checkpoint interval is not in the latency, and the scorer's guard drops what comes twice.
    topics.bytes_source("readings", TELEMETRY_READINGS, committed=False, extra_columns=[PROCESSING_TIME])
    topics.bytes_sink(TELEMETRY_ANOMALIES)
    build(tables, settings).execute()


if __name__ == "__main__":
    main()
