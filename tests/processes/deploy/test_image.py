"""The Dockerfile and the scripts of the image's roles."""

import importlib.util
import os
import re
import subprocess
import sys

import pytest
import yaml

from headrace import submission
from schemas.errors import HeadraceError
from stack import flink_distribution, operators_jar
from stack.layout import FLINK_CONF, REPOSITORY

DEPLOY = REPOSITORY / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
ENTRYPOINT = DEPLOY / "entrypoint.sh"


def load(path):
    spec = importlib.util.spec_from_file_location(f"image_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def configuration():
    return load(DEPLOY / "image" / "write_flink_configuration.py")


def test_flink_properties_replace_add_and_leave_out(configuration, tmp_path, monkeypatch):
    monkeypatch.setenv("FLINK_CONF_DIR", str(tmp_path))
    monkeypatch.setenv("FLINK_PROPERTIES", "rest.port: 9999\ntaskmanager.host:\nmy.own: 1\nstate.url: file:///a:b\n")
    configuration.main()
    written = yaml.safe_load((tmp_path / "config.yaml").read_text())
    committed = yaml.safe_load((FLINK_CONF / "config.yaml").read_text())
    expected = committed | {"rest.port": 9999, "my.own": 1, "state.url": "file:///a:b"}
    del expected["taskmanager.host"]
    assert written == expected


def test_flinks_configuration_is_the_committed_one_without_properties(configuration, tmp_path, monkeypatch):
    monkeypatch.setenv("FLINK_CONF_DIR", str(tmp_path))
    monkeypatch.delenv("FLINK_PROPERTIES", raising=False)
    configuration.main()
    assert (tmp_path / "config.yaml").read_text() == (FLINK_CONF / "config.yaml").read_text()


def test_what_flink_is_told_by_compose_names_settings_that_are_committed():
    compose = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())
    told = flink_distribution.settings_in(compose["services"]["jobmanager"]["environment"]["FLINK_PROPERTIES"])
    assert told.keys() <= yaml.safe_load((FLINK_CONF / "config.yaml").read_text()).keys()


def test_submission_from_a_container_keeps_the_addresses_of_its_environment(monkeypatch):
    submit = load(DEPLOY / "image" / "submit.py")
    given = []
    monkeypatch.setattr(submission, "submit", lambda layout, jobs, target: given.append((layout, jobs, target)))
    monkeypatch.setattr("sys.argv", ["submit.py", "clean_telemetry"])
    for name, value in {"HOME": "/opt", "FLINK": "jobmanager:8081", "KAFKA": "kafka:9092"}.items():
        monkeypatch.setenv(f"HEADRACE_{name}", value)
    submit.main()
    ((layout, jobs, target),) = given
    assert (jobs, target) == (["clean_telemetry"], "jobmanager:8081")
    assert layout.environment()["HEADRACE_KAFKA"] == "kafka:9092"
    assert str(layout.home) == "/opt"


@pytest.mark.parametrize("arguments", [["no_such_job"], ["clean_telemetry"]])
def test_a_failed_submission_ends_with_one_line_and_a_failure(arguments, monkeypatch):
    def refuse(*_):
        raise HeadraceError("no Flink cluster answers")

    submit = load(DEPLOY / "image" / "submit.py")
    monkeypatch.setattr(submission, "submit", refuse)
    monkeypatch.setattr("sys.argv", ["submit.py", *arguments])
    monkeypatch.setenv("HEADRACE_HOME", "/opt")
    monkeypatch.setenv("HEADRACE_FLINK", "jobmanager:8081")
    with pytest.raises(SystemExit, match=r"no Flink cluster answers|no job 'no_such_job'"):
        submit.main()


@pytest.fixture
def runs(tmp_path):
    """Runs the entrypoint with programs that print how they were called."""
    for program in ("python3", "bash", "echo-me"):
        (tmp_path / program).write_text(f'#!/bin/sh\nprintf "%s\\n" "{program} $*"\n')
        (tmp_path / program).chmod(0o755)

    def run(*arguments):
        environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "FLINK_HOME": "/flink"}
        done = subprocess.run([ENTRYPOINT, *arguments], env=environment, capture_output=True, text=True, check=True)
        return done.stdout.replace(f"{DEPLOY}/", "").splitlines()

    return run


FORK_SERVER = "python3 -m jobs.fork_server /opt/run/forkserver.sock"


@pytest.mark.parametrize("role", ["jobmanager", "taskmanager"])
def test_flinks_roles_write_the_configuration_and_stay_in_the_foreground(runs, role):
    said = [line for line in runs(role) if line != FORK_SERVER]  # it runs beside them
    assert said == ["python3 write_flink_configuration.py", f"bash /flink/bin/{role}.sh start-foreground"]


def test_a_taskmanager_has_the_process_that_its_workers_are_forked_from_beside_it(runs):
    assert FORK_SERVER in runs("taskmanager")
    assert FORK_SERVER not in runs("jobmanager")


def test_other_roles_run_their_program(runs):
    assert runs("bridge") == ["python3 -m connectors.mqtt_bridge"]
    assert runs("corrector") == [
        "python3 -m headrace windows correct --every 300s --wait 300s --report /opt/log/corrector.json"
    ]
    assert runs("create-topics") == ["python3 create_topics.py"]
    assert runs("capture") == ["python3 set_up_capture.py"]
    assert runs("submit", "clean_telemetry") == ["python3 submit.py clean_telemetry"]


def test_anything_else_is_a_command(runs):
    assert runs("echo-me", "a b") == ["echo-me a b"]


def test_every_role_of_compose_is_a_role_of_the_image():
    compose = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())
    roles = {service["command"][0] for service in compose["services"].values() if service["image"] == "headrace"}
    assert roles <= set(re.findall(r"^  ([\w-]+)\)", ENTRYPOINT.read_text(), re.MULTILINE))


def test_the_image_runs_as_a_user_without_rights_and_without_a_compiler():
    runtime = DOCKERFILE.rpartition("FROM ")[2]
    assert re.search(r"^USER flink$", runtime, re.MULTILINE)
    assert not re.search(r"\b(gcc|python3-dev|maven|pip)\b", runtime.replace("The pip package", ""))


def test_only_named_folders_reach_the_builder_and_secrets_are_not_among_them():
    lines = [line for line in (REPOSITORY / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert lines[0] == "*"
    allowed = {line[1:].rstrip("/") for line in lines if line.startswith("!")}
    copied = set(re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE))
    sources = {source.rstrip("/") for line in copied for source in line.split()}
    assert {source for source in sources if source not in allowed and source.split("/")[0] not in allowed} == set()
    assert not {name for name in allowed if "secret" in name or name == "deploy"}


def test_jobs_that_the_image_submits_run_forked_workers_by_the_socket_of_the_taskmanager(tmp_path, monkeypatch):
    (worker_python,) = re.findall(r"HEADRACE_WORKER_PYTHON=(\S+)", DOCKERFILE)
    monkeypatch.setenv("HEADRACE_WORKER_PYTHON", worker_python)
    layout = load(DEPLOY / "image" / "submit.py").ContainerLayout(tmp_path)
    line = submission.run_line(layout, "jobs.clean_telemetry", (), "jobmanager:8081")
    assert line[line.index("-pyexec") + 1] == worker_python
    assert line[line.index("-pyclientexec") + 1] == sys.executable
    written = re.search(r"script\('(\S+)', '(\S+)'\).*> (\S+)\)", DOCKERFILE)
    assert written.groups() == ("/opt/headrace/.venv/bin/python", "/opt/run/forkserver.sock", ".venv/bin/worker-python")
    assert worker_python == f"/opt/headrace/{written[3]}"
    assert FORK_SERVER.endswith(f" {written[2]}")
    assert re.search(r"chown -R flink:flink .*/opt/run\b", DOCKERFILE)


def test_workers_of_a_foreign_cluster_run_the_python_that_submits_unless_another_is_named(tmp_path, monkeypatch):
    monkeypatch.delenv("HEADRACE_WORKER_PYTHON", raising=False)
    layout = load(DEPLOY / "image" / "submit.py").ContainerLayout(tmp_path)
    line = submission.run_line(layout, "jobs.clean_telemetry", (), "flink.example:8081")
    assert line[line.index("-pyexec") + 1] == line[line.index("-pyclientexec") + 1] == sys.executable
    assert "python.executable" not in yaml.safe_load((FLINK_CONF / "config.yaml").read_text())


def test_the_image_builds_the_operators_jar_and_runs_without_a_compiler():
    jars, runtime = DOCKERFILE.partition("AS jars")[2].partition("FROM ")[0], DOCKERFILE.rpartition("FROM ")[2]
    assert "COPY flink/java /flink-java" in jars
    assert "openjdk-17-jdk-headless" in jars
    assert f"cp /flink-java/target/{operators_jar.JAR} /jars" in jars
    assert "jdk-headless" not in runtime


def test_the_image_check_looks_for_what_the_fork_server_says():
    cluster = (DEPLOY / "image_check" / "cluster.py").read_text()
    said = re.search(r'READY_TO_FORK, FORKED_WORKER = "(.+)", "(.+)"', cluster)
    server = (REPOSITORY / "flink" / "patches" / "forked_workers" / "server.py").read_text()
    assert f'log.info("{said[1]}' in server
    assert f'PR_SET_NAME, b"{said[2]}"' in server
