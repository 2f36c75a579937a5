"""What is handed to a Flink cluster, and what is said when it refuses."""

import zipfile

import pytest

from connectors.kafka.clients import KafkaUnavailable
from headrace import submission
from headrace.sources.applied import Applied, AppliedSources
from jobs.names import ALL_JOBS, PACKAGES
from jobs.settings import JobSettings
from schemas.source import DEFAULT_SOURCE
from schemas.sources_file import BadSources
from stack.layout import Layout


def test_the_archive_holds_our_packages_with_their_sql_and_presets_and_nothing_else(tmp_path):
    with zipfile.ZipFile(submission.code_archive(Layout(tmp_path))) as archive:
        names = archive.namelist()
    assert {name.split("/")[0] for name in names} == set(PACKAGES)
    assert {f"jobs/{job}.sql" for job in ALL_JOBS} <= set(names)
    assert "flink/watermark.py" in names
    assert "schemas/presets/tasmota.toml" in names
    assert all(name.endswith((".py", ".sql", ".toml")) for name in names)


def test_one_job_is_its_own_module_and_several_share_a_client():
    assert submission._module(["store_redis"]) == ("jobs.store_redis", ())
    assert submission._module(["store_redis", "clean_telemetry"]) == ("jobs", ["store_redis", "clean_telemetry"])


def test_the_cause_of_a_failed_submission_is_pythons_own_exception():
    lines = [
        "Traceback (most recent call last):\n",
        "KeyError: 'buckets'\n",
        "org.apache.flink.client.program.ProgramAbortException: java.lang.RuntimeException: x\n",
        "Caused by: java.lang.RuntimeException: Python process exits with code: 1\n",
    ]
    assert submission._cause(lines) == "KeyError: 'buckets'"


def test_the_cause_of_a_failed_submission_is_an_exception_of_ours():
    lines = [
        "Traceback (most recent call last):\n",
        "schemas.sources_file.BadSources: sources.toml:2: no TOML\n",
        "org.apache.flink.client.program.ProgramAbortException: java.lang.RuntimeException: x\n",
        "Caused by: java.lang.RuntimeException: Python process exits with code: 1\n",
        "\t... 15 more\n",
    ]
    assert submission._cause(lines) == "schemas.sources_file.BadSources: sources.toml:2: no TOML"


def test_the_cause_of_a_failed_plan_is_the_innermost_java_exception():
    lines = ["py4j.protocol.Py4JJavaError: x\n", "Caused by: a.B: outer\n", "Caused by: c.D: inner\n"]
    assert submission._cause(lines) == "c.D: inner"


def test_a_foreign_cluster_gets_the_callers_addresses_and_what_a_job_brings_along(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADRACE_KAFKA", "broker.example:9092")
    layout = Layout(tmp_path)
    environment = submission._environment(layout, "flink.example:8081")
    configuration = (layout.home / "flink" / "foreign-conf" / "config.yaml").read_text()
    assert environment["HEADRACE_KAFKA"] == "broker.example:9092"
    assert "execution.checkpointing.interval: 5 s\n" in configuration
    assert "python.state.cache-size" in configuration
    for of_the_cluster in (
        "checkpointing.dir",
        "savepoint-dir",
        "high-availability",
        "memory",
        "address",
        "executable",
    ):
        assert of_the_cluster not in configuration


@pytest.fixture
def submitted(tmp_path, monkeypatch):
    """submit() with a cluster on which `store_redis` runs, and the steps that it takes, in their order."""
    steps = []
    monkeypatch.setattr(submission, "running_jobs", lambda target: {"store_redis": "f00"})

    def run_client(layout, jobs, target, savepoint, environment, report, accepted):
        steps.append(("client", jobs))
        for job in jobs:
            accepted(job)

    monkeypatch.setattr(submission, "_run_client", run_client)
    monkeypatch.setattr(
        submission, "abort_orphans", lambda jobs, bootstrap, report: steps.append(("abort", jobs, bootstrap))
    )

    def submitted(*jobs, target="127.0.0.1:18081", savepoint=None):
        submission.submit(Layout(tmp_path), jobs, target, savepoint, report=lambda line: None)
        return steps

    return submitted


def test_orphaned_transactions_are_aborted_before_a_job_starts_afresh(submitted):
    assert submitted("clean_telemetry") == [
        ("abort", ["clean_telemetry"], "127.0.0.1:19092"),
        ("client", ["clean_telemetry"]),
    ]


def test_a_job_that_resumes_keeps_the_transactions_that_it_has_to_commit(submitted):
    assert submitted("clean_telemetry", savepoint="file:///savepoint") == [("client", ["clean_telemetry"])]


def test_a_running_job_is_left_alone_with_its_transactions(submitted):
    assert submitted("store_redis") == []
    assert submitted("store_redis", "store_influxdb") == [
        ("abort", ["store_influxdb"], "127.0.0.1:19092"),
        ("client", ["store_influxdb"]),
    ]


def test_the_transactions_of_a_foreign_cluster_are_looked_for_in_the_callers_kafka(submitted, monkeypatch):
    monkeypatch.setenv("HEADRACE_KAFKA", "broker.example:9092")
    assert submitted("clean_telemetry", target="flink.example:8081")[0] == (
        "abort",
        ["clean_telemetry"],
        "broker.example:9092",
    )


def no_kafka(jobs, bootstrap, report):
    raise KafkaUnavailable(f"Kafka at {bootstrap} does not answer")


def test_without_its_kafka_the_local_stack_submits_nothing(submitted, monkeypatch):
    monkeypatch.setattr(submission, "abort_orphans", no_kafka)
    with pytest.raises(submission.SubmissionFailed, match=r"does not answer.*headrace up"):
        submitted("clean_telemetry")


def test_a_foreign_kafka_that_is_out_of_reach_is_said_and_stops_nothing(tmp_path, monkeypatch, submitted):
    monkeypatch.setattr(submission, "abort_orphans", no_kafka)
    said = []
    submission.submit(Layout(tmp_path), ["clean_telemetry"], "flink.example:8081", report=said.append)
    assert submitted() == [("client", ["clean_telemetry"])]
    assert "were not aborted" in said[0]


TOML = '[[source]]\nname = "plant"\ntopic = "plant/{device}/{metric}"\ncodec = "scalar"\n'


def test_the_declared_sources_reach_a_job_as_text(tmp_path, monkeypatch):
    assert submission._as_setting(submission.declared_sources(Layout(tmp_path))) == {}
    (tmp_path / "sources.toml").write_text(TOML)
    variables = submission._as_setting(submission.declared_sources(Layout(tmp_path)))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert [source.name for source in JobSettings().declared_sources().sources] == ["plant"]


def test_without_a_file_of_sources_a_job_has_the_default():
    assert JobSettings(sources=None).declared_sources().sources == (DEFAULT_SOURCE,)


def test_a_mistake_in_the_declared_sources_is_said_before_a_job_is_planned(tmp_path):
    (tmp_path / "sources.toml").write_text(TOML + 'codex = "scalar"\n')
    with pytest.raises(BadSources, match=r"sources\.toml:5"):
        submission.declared_sources(Layout(tmp_path))


def test_a_submission_records_which_sources_and_settings_the_cleaning_job_got(tmp_path, monkeypatch, submitted):
    monkeypatch.setenv("HEADRACE_JOB_BUCKETS", "16")
    monkeypatch.setenv("HEADRACE_JOB_SOURCES", "another text")
    (tmp_path / "sources.toml").write_text(TOML)
    record = AppliedSources.of_stack(Layout(tmp_path))
    submitted("store_influxdb")
    submitted("clean_telemetry", target="flink.example:8081")
    assert record.read() is None
    submitted("store_influxdb", "clean_telemetry")
    assert record.read() == Applied(TOML, {"HEADRACE_JOB_BUCKETS": "16"})


def test_what_starts_from_its_savepoint_has_the_settings_that_it_had(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADRACE_JOB_BUCKETS", "8")
    monkeypatch.setenv("HEADRACE_JOB_MICRO_BATCH_MS", "50")
    clients = []
    monkeypatch.setattr(submission, "_run_client", lambda *arguments: clients.append(arguments))
    applied = Applied(None, {"HEADRACE_JOB_BUCKETS": "16"})
    submission.resubmit_cleaning(Layout(tmp_path), "file:/savepoint-1", applied)
    [(_, jobs, _, savepoint, environment, _)] = clients
    assert (jobs, savepoint) == (["clean_telemetry"], "file:/savepoint-1")
    assert {name: value for name, value in environment.items() if "_JOB_" in name} == applied.settings


def test_a_job_that_an_application_stopped_does_not_start_afresh(tmp_path, submitted):
    record = AppliedSources.of_stack(Layout(tmp_path))
    record.stopped(Applied(TOML), "s3://backup/savepoint-1")
    with pytest.raises(submission.SubmissionFailed, match="headrace source apply"):
        submitted("window_telemetry", "clean_telemetry")
    assert submitted("clean_telemetry", savepoint="s3://backup/savepoint-1") == [("client", ["clean_telemetry"])]
    assert record.read() == Applied(None)
