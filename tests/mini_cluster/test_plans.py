"""The plans of the jobs on their real Kafka tables. Planning asks no broker."""

from importlib import import_module
from importlib.resources import files

import pytest

from connectors.endpoints import Endpoints, StackSettings
from jobs import sql_file
from jobs.names import JOBS


class Planned:
    """Stands in for what build() returns: executing it is planning it."""

    def __init__(self, statements, plans):
        self._statements, self._plans = statements, plans

    def execute(self):
        self._plans.append(self._statements.explain())


@pytest.fixture(scope="module", params=JOBS)
def job_and_plan(request, environment):
    """The job's main(), up to where it would be submitted."""
    module, plans = import_module(f"jobs.{request.param}"), []
    build = module.build
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "table_environment", lambda job, settings, **options: environment(job, **options))
        patch.setattr(module, "build", lambda *arguments: Planned(build(*arguments), plans))
        patch.setattr(module.Endpoints, "load", lambda: Endpoints.local(StackSettings()))
        module.main()
    (plan,) = plans
    return request.param, plan[plan.index("== Optimized Execution Plan ==") :]


def test_a_job_plans_and_reads_each_source_once(job_and_plan):
    job, plan = job_and_plan
    scans = {"window_telemetry": 2, "store_influxdb": 3, "store_redis": 2}
    assert plan.count("TableSourceScan(") == scans.get(job, 1)


def test_nothing_in_a_plan_is_joined_or_updated(job_and_plan):
    _, plan = job_and_plan
    for word in ("Join(", "ChangelogNormalize", "Deduplicate", "Rank(", "SinkMaterializer"):
        assert word not in plan


def test_the_cleaning_parses_a_payload_and_counts_an_identity_once(job_and_plan):
    job, plan = job_and_plan
    if job != "clean_telemetry":
        return
    # One for each UNNEST of the file: shared by all outputs, and none of the fences optimised away.
    unnests = "".join(sql_file.statements(files("jobs").joinpath("clean_telemetry.sql").read_text())).count("UNNEST(")
    assert (plan.count("Correlate("), plan.count("OverAggregate(")) == (unnests, 1)


def test_python_stands_in_the_stores_only_once_for_each_source(job_and_plan):
    job, plan = job_and_plan
    # The planner moves the call below the union: a Python stage for each source, and still one call a row.
    assert plan.count("PythonCalc(") == {"store_influxdb": 3, "store_redis": 2}.get(job, 0)
