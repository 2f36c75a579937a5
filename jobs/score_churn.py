"""score_churn: churn risk of customers with reasons. Submitted by name, once there is a model and change capture."""

from pathlib import Path

from pyflink.table import DataTypes, StatementSet, StreamTableEnvironment, Table

from connectors.endpoints import Endpoints, StackSettings
from jobs import sql_file
from jobs.environment import table_environment
from jobs.operators.java_stage import java_stage
from jobs.operators.micro_batch import GATHERED, MICRO_BATCH, SCATTERED
from jobs.operators.pseudonymise import KEY, pseudonymise
from jobs.operators.score_customers import ANSWERS, ScoreCustomers
from jobs.settings import JobSettings
from jobs.tables import KafkaTables
from schemas.topics import CHURN_SCORES, CUSTOMERS, CUSTOMERS_USAGE, DEAD_LETTERS

JOB = "score_churn"

MOST_BYTES = 1024 * 1024
"""Of a micro-batch, about: 1,500 rows of 23 columns. A backlog comes in batches of this size."""


_CALLED = {
    "customer_id": DataTypes.STRING(), "device": DataTypes.STRING(), "record": DataTypes.BYTES(),
    "topic": DataTypes.STRING(), "partition": DataTypes.INT(), "offset": DataTypes.BIGINT(),
    "pseudonym": DataTypes.STRING(),
}  # fmt: skip
CALLED = DataTypes.ROW([DataTypes.FIELD(name, type_) for name, type_ in _CALLED.items()])
"""Records with the pseudonym of the customer whose row they are; NULL for usage."""


def models() -> Path:
    """Where the champion is; asked on the worker, in the worker's environment."""
    return StackSettings().home / "models" / "churn"  # type: ignore[call-arg]  # from the environment or a default


def build(tables: StreamTableEnvironment, settings: JobSettings, key: Path = KEY) -> StatementSet:
    """customers and customers_usage, as records -> churn_scores, dead_letters; `key` is that of pseudonyms."""

    def pseudonymised(tables: StreamTableEnvironment) -> Table:
        return pseudonymise(tables, tables.from_path("identified"), "pseudonymise-customers", CALLED, key)

    def gather(tables: StreamTableEnvironment) -> Table:
        parameters = (1, settings.micro_batch_ms, MOST_BYTES)
        framed = tables.from_path("framed")
        return java_stage(tables, framed, "GatherMicroBatches", "gather-micro-batches", GATHERED, parameters)

    def score(tables: StreamTableEnvironment) -> Table:
        micro_batches = tables.to_append_stream(tables.from_path("micro_batches"), MICRO_BATCH)
        answers = micro_batches.process(ScoreCustomers(models, JOB), output_type=ANSWERS)
        return tables.from_data_stream(answers.uid("score-customers").name("score-customers"))

    def scatter_scores(tables: StreamTableEnvironment) -> Table:
        return java_stage(tables, tables.from_path("scored"), "ScatterRecords", "scatter-scores", SCATTERED)

    def scatter_letters(tables: StreamTableEnvironment) -> Table:
        return java_stage(tables, tables.from_path("refused"), "ScatterRecords", "scatter-letters", SCATTERED)

    stages = {
        "pseudonymise": pseudonymised,
        "gather": gather,
        "score": score,
        "scatter_scores": scatter_scores,
        "scatter_letters": scatter_letters,
    }
    return sql_file.load(tables, JOB, operators=stages)


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
