"""measure_recommendations: what users do with the lists that they are shown. The data flow is the .sql file.

Submitted by name: lists are shown by the REST API (`headrace up --with serving`).
"""

from pyflink.table import StatementSet, StreamTableEnvironment

from connectors.endpoints import Endpoints
from jobs import sql_file
from jobs.environment import table_environment
from jobs.settings import JobSettings
from jobs.tables import PROCESSING_TIME, KafkaTables
from schemas.recommendation_feedback import SHOWN
from schemas.topics import EXPOSURES, INTERACTIONS, RECOMMENDATIONS_FEEDBACK

JOB = "measure_recommendations"


def build(tables: StreamTableEnvironment, settings: JobSettings, begins_s: int = 0) -> StatementSet:
    """exposures, interactions -> recommendations_feedback; a window begins at `begins_s`, s since the epoch."""
    every_s = settings.measured_every_s
    constants = {
        "answered_within": f"INTERVAL '{settings.answered_within_min}' MINUTE",
        "measured_every": f"INTERVAL '{every_s}' SECOND(4), INTERVAL '{begins_s % every_s}' SECOND(4)",
        "shown": SHOWN,
    }
    return sql_file.load(tables, JOB, constants)


def main() -> None:
    settings, endpoints = JobSettings(), Endpoints.load()
    tables = table_environment(JOB)
    topics = KafkaTables(tables, JOB, endpoints, settings)
    topics.source(EXPOSURES, PROCESSING_TIME)
    topics.source(INTERACTIONS, PROCESSING_TIME)
    topics.sink(RECOMMENDATIONS_FEEDBACK)
    build(tables, settings).execute()


if __name__ == "__main__":
    main()
