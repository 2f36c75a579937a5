"""The plans of the jobs on their real Kafka tables. Planning asks no broker."""

from functools import cache
from importlib import import_module

import pytest

from connectors.endpoints import Endpoints, StackSettings
from jobs.names import ALL_JOBS
from tests.mini_cluster.flink_internals import execution_plan


class Planned:
    """Stands in for what build() returns: executing it is planning it."""

    def __init__(self, statements, plans):
        self._statements, self._plans = statements, plans

    def execute(self):
        self._plans.append(self._statements.explain())


PYTHON = ("store_influxdb", "store_redis")
SOURCES = {
    "clean_telemetry": 2, "store_influxdb": 2, "count_usage": 3, "window_usage": 2, "measure_recommendations": 2,
    "score_churn": 2, "score_anomalies": 2,
}  # fmt: skip
"""Of clean_telemetry, score_churn and score_anomalies the plan shows what stands behind their last stages."""

INTERVAL_JOINS = {"measure_recommendations": 1}
"""They take nothing back of what they gave, and forget what is too old."""

every_job = pytest.mark.parametrize("job", ALL_JOBS)


@pytest.fixture(scope="module")
def planned(environment):
    """Plans a job, once: its main() up to where it would be submitted. Gives its plan and its environment."""

    @cache
    def planned(job):
        module, plans, environments = import_module(f"jobs.{job}"), [], []
        build = module.build

        def make(job, **options):
            environments.append(environment(job, **options))
            return environments[-1]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "table_environment", make)
            patch.setattr(module, "build", lambda *arguments: Planned(build(*arguments), plans))
            patch.setattr(module.Endpoints, "load", lambda: Endpoints.local(StackSettings()))
            module.main()
        return plans[0].partition("== Optimized Execution Plan ==")[2], environments[0]

    return planned


@pytest.fixture(scope="module")
def plan_of(planned):
    """The plan of a job, behind its last stages outside of SQL."""
    return lambda job: planned(job)[0]


@pytest.fixture(scope="module")
def stages_of(planned):
    """The names of the operators of a job up to its last stages outside of SQL."""

    def stages_of(job):
        graph = execution_plan(planned(job)[1])
        return [node["type"].split("[")[0] for node in graph["nodes"]]

    return stages_of


@every_job
def test_a_job_reads_each_of_its_sources_once(plan_of, job):
    assert plan_of(job).count("TableSourceScan(") == SOURCES.get(job, 1)


@every_job
def test_nothing_in_a_plan_is_updated_and_what_is_joined_is_an_interval(plan_of, job):
    assert plan_of(job).count("Join(") == plan_of(job).count("IntervalJoin(") == INTERVAL_JOINS.get(job, 0)
    for word in ("ChangelogNormalize", "GroupAggregate(", "Deduplicate", "Rank(", "SinkMaterializer"):
        assert word not in plan_of(job)


@every_job
def test_python_stands_where_it_must_only_and_once(plan_of, job):
    # Without the fence behind the union the planner moves the call above it: a Python stage for each source.
    assert plan_of(job).count("PythonCalc(") == (1 if job in PYTHON else 0)


def test_the_cleaning_decodes_and_deduplicates_once_in_operators_with_names(stages_of):
    stages = stages_of("clean_telemetry")
    source = "Source: KafkaSource-default_catalog.default_database.telemetry_raw"
    once = (source, "gather", "decode", "scatter", "limit-series")
    assert [stages.count(stage) for stage in (*once, "deduplicate")] == [1] * 6
    assert [stage for stage in stages if stage in (*once, "deduplicate")] == [*once, "deduplicate"]
    assert not any(stage.startswith(("OverAggregate", "Correlate")) for stage in stages)


def test_what_is_late_is_judged_once_behind_the_union_of_readings_and_ticks(plan_of):
    plan = plan_of("window_telemetry")
    # The union is planned by itself, in front of the stage that keeps the watermark. In this plan it would stand if the
    # planner could look through the stage, and then each of its two inputs would be judged by its own watermark.
    assert "clock_ticks" not in plan
    (judging,) = (line for line in plan.splitlines() if "CURRENT_WATERMARK" in line)
    scan = plan.splitlines()[plan.splitlines().index(judging) + 1]
    assert "TableSourceScan(table=[[*anonymous_datastream_source" in scan


def test_scores_and_dead_letters_of_customers_come_from_one_source_one_state_and_one_python_stage(stages_of):
    stages = stages_of("score_churn")
    once = ("Source: KafkaSource-default_catalog.default_database.records", "OverAggregate", "score-customers")
    assert [stages.count(stage) for stage in once] == [1, 1, 1]
    assert stages.index("OverAggregate") < stages.index("gather-micro-batches") < stages.index("score-customers")


def test_readings_and_verdicts_come_from_one_source_and_go_through_one_python_stage(stages_of):
    stages = stages_of("score_anomalies")
    once = (
        "Source: KafkaSource-default_catalog.default_database.inputs",
        "gather-micro-batches",
        "score-fleet novelty",
    )
    assert [stages.count(stage) for stage in once] == [1, 1, 1]
