"""score_churn: churn risk of customers with reasons. Submitted by name, once there is a model and change capture."""

from pathlib import Path

from pyflink.table import StatementSet, StreamTableEnvironment, Table

from connectors.endpoints import Endpoints, StackSettings
from connectors.pseudonyms import KEY_BELOW_HOME
from flink import micro_batch
from flink.functions import register_latest_record, register_pseudonym, text_literal
from jobs import sql_file
from jobs.environment import table_environment
from jobs.operators.micro_batch import ANSWERS
from jobs.operators.score_customers import BATCH, ScoreCustomers
from jobs.settings import JobSettings
from jobs.tables import KafkaTables
from schemas.topics import CHURN_SCORES, CUSTOMERS, CUSTOMERS_USAGE, DEAD_LETTERS

JOB = "score_churn"

MAX_BYTES = 1024 * 1024
"""Of a micro-batch, about: 1,500 rows of 23 columns. A backlog comes in batches of this size."""


def models() -> Path:
    """Where the champion is; asked on the worker, in the worker's environment."""
    return StackSettings().home / "models" / "churn"  # type: ignore[call-arg]  # from the environment or a default


def build(tables: StreamTableEnvironment, settings: JobSettings, key: Path = KEY_BELOW_HOME) -> StatementSet:
    """Customers and customers_usage, as records -> churn_scores, dead_letters; `key` is that of pseudonyms."""

    def gather(tables: StreamTableEnvironment) -> Table:
        bounds = (1, settings.micro_batch_ms, MAX_BYTES)
        return micro_batch.gather(tables, tables.from_path("arrivals"), "gather-micro-batches", *bounds)

    def score(tables: StreamTableEnvironment) -> Table:
        micro_batches = tables.to_append_stream(tables.from_path("micro_batches"), BATCH)
        answers = micro_batches.process(ScoreCustomers(models, JOB), output_type=ANSWERS)
        return tables.from_data_stream(answers.uid("score-customers").name("score-customers"))

    def scatter_scores(tables: StreamTableEnvironment) -> Table:
        return micro_batch.scatter(tables, tables.from_path("scored"), "scatter-scores")

    def scatter_dead_letters(tables: StreamTableEnvironment) -> Table:
        return micro_batch.scatter(tables, tables.from_path("refused"), "scatter-dead-letters")

    stages = {
        "gather": gather,
        "score": score,
        "scatter_scores": scatter_scores,
        "scatter_dead_letters": scatter_dead_letters,
    }
    register_pseudonym(tables)
    register_latest_record(tables)
    return sql_file.load(tables, JOB, {"pseudonym_key": text_literal(str(key))}, stages)


def main() -> None:
    settings, endpoints = JobSettings(), Endpoints.load()
    tables = table_environment(JOB)
    topics = KafkaTables(tables, JOB, endpoints, settings)
    topics.bytes_source("records", CUSTOMERS, CUSTOMERS_USAGE)
    topics.bytes_sink(CHURN_SCORES)
    topics.bytes_sink(DEAD_LETTERS)
    build(tables, settings).execute()


if __name__ == "__main__":
    main()
