"""score_churn: churn risk of customers with reasons. Submitted by name, once there is a model and change capture."""

from pathlib import Path

from pyflink.table import StatementSet, StreamTableEnvironment

from connectors.endpoints import Endpoints, StackSettings
from jobs import sql_file
from jobs.environment import table_environment
from jobs.operators.score_customers import score_customers
from jobs.settings import JobSettings
from jobs.tables import PROCESSING_TIME, KafkaTables
from schemas.topics import CHURN_SCORES, CUSTOMERS, CUSTOMERS_USAGE, DEAD_LETTERS

JOB = "score_churn"
# A table that is read from its beginning comes faster than it is scored. What a bundle costs in Beam and gRPC was half
# of the worker's CPU with the cluster's 1,000 rows.
LARGE_BUNDLES = {"python.fn-execution.bundle.size": "10000", "python.fn-execution.arrow.batch.size": "2000"}


def models() -> Path:
    """Where the champion is; asked on the worker, in the worker's environment."""
    return StackSettings().home / "models" / "churn"  # type: ignore[call-arg]  # from the environment or a default


def build(tables: StreamTableEnvironment) -> StatementSet:
    """customers and customers_usage, as records -> churn_scores, dead_letters."""
    tables.create_temporary_function("score_customers", score_customers(models))
    return sql_file.load(tables, JOB)


def main() -> None:
    settings, endpoints = JobSettings(), Endpoints.load()
    tables = table_environment(JOB, **LARGE_BUNDLES)
    topics = KafkaTables(tables, JOB, endpoints, settings)
    topics.bytes_source("records", CUSTOMERS, CUSTOMERS_USAGE, extra_columns=[PROCESSING_TIME])
    topics.bytes_sink(CHURN_SCORES)
    topics.sink(DEAD_LETTERS)
    build(tables).execute()


if __name__ == "__main__":
    main()
