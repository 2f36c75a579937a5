"""What is handed to a Flink cluster, and what is said when it refuses."""

import zipfile

from headrace import submission
from headrace.stack.layout import Layout
from jobs.names import JOBS


def test_the_archive_holds_our_packages_with_their_sql_and_nothing_else(tmp_path):
    with zipfile.ZipFile(submission.code_archive(Layout(tmp_path))) as archive:
        names = archive.namelist()
    assert {name.split("/")[0] for name in names} == set(submission.PACKAGES)
    assert {f"jobs/{job}.sql" for job in JOBS} <= set(names)
    assert all(name.endswith((".py", ".sql")) for name in names)


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


def test_the_cause_of_a_failed_plan_is_the_innermost_java_exception():
    lines = ["py4j.protocol.Py4JJavaError: x\n", "Caused by: a.B: outer\n", "Caused by: c.D: inner\n"]
    assert submission._cause(lines) == "c.D: inner"


def test_a_foreign_cluster_gets_the_callers_addresses_and_no_setting_of_the_local_stack(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADRACE_KAFKA", "broker.example:9092")
    layout = Layout(tmp_path)
    environment = submission._environment(layout, "flink.example:8081")
    configuration = (layout.home / "flink" / "foreign-conf" / "config.yaml").read_text()
    assert environment["HEADRACE_KAFKA"] == "broker.example:9092"
    assert "checkpointing" not in configuration
    assert "high-availability" not in configuration
