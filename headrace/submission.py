"""Jobs to a Flink cluster: the code as one zip, one client for all of them."""

import os
import re
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from connectors.atomic_write import atomic_write_text
from connectors.endpoints import Endpoints
from connectors.flink_rest import FlinkRest
from connectors.kafka.clients import KafkaClientError
from headrace.orphaned_transactions import abort_orphans
from headrace.sources.applied import Applied, AppliedSources
from jobs.names import CLEAN_TELEMETRY, PACKAGES
from schemas.errors import TerminalError
from schemas.sources_file import load_sources, read_sources
from stack import flink_distribution
from stack.fork_server import worker_python
from stack.layout import FLINK_CONF, REPOSITORY, Layout

WORKER_PYTHON = "HEADRACE_WORKER_PYTHON"
"""Names the Python that the workers of a foreign cluster run; the client's own unless it is set."""

JOB_SETTINGS = "HEADRACE_JOB_"
SOURCES = f"{JOB_SETTINGS}SOURCES"
"""Has the declared sources as text: a job keeps those of its submission."""

ACCEPTED = "submitted "
"""What `python -m jobs` prints once the cluster has a job, with the job's name behind it."""

_OF_PYTHON = re.compile(
    r"^(?!Caused by|org\.apache|java\.)(\w+(?:Error|Exception|Exit): .*|(?:[a-z_]\w*\.)+[A-Z]\w*: .*)$", re.MULTILINE
)
"""The last line of a traceback: an exception of Python's own, or one of a module, whatever its name ends with."""

_NOT_ENDED = {"INITIALIZING", "CREATED", "RUNNING", "RESTARTING", "FAILING", "CANCELLING", "SUSPENDED", "RECONCILING"}


class SubmissionFailed(TerminalError):
    """Raised where a job was not submitted; the message has Flink's reason. Terminal: the reason has to be removed."""


def code_archive(layout: Layout) -> Path:
    """A zip of our packages in the stack's folder: a worker runs what was submitted, not what lies on its disk."""
    archive = layout.folder("flink") / "headrace-jobs.zip"
    partial = archive.with_suffix(".partial")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as content:
        for package in PACKAGES:
            for path in sorted((REPOSITORY / package).rglob("*")):
                if path.suffix in {".py", ".sql", ".toml"}:
                    content.write(path, path.relative_to(REPOSITORY))
    partial.replace(archive)
    return archive


def run_line(
    layout: Layout, module: str, arguments: Sequence[str], target: str, savepoint: str | None = None
) -> list[str]:
    """The `flink run` line for a module with its arguments."""
    ours = target == layout.endpoints.flink
    python = worker_python(layout) if ours else os.environ.get(WORKER_PYTHON, sys.executable)
    return [
        *flink_distribution.script("flink"), "run", "--detached", "--jobmanager", target,
        *(["--fromSavepoint", savepoint] if savepoint else []),
        "-pyclientexec", sys.executable, "-pyexec", str(python),
        "-pyfs", str(code_archive(layout)), "-pym", module, *arguments,
    ]  # fmt: skip


def submit(
    layout: Layout,
    jobs: Sequence[str],
    target: str,
    savepoint: str | None = None,
    report: Callable[[str], None] = print,
) -> None:
    """Submits the jobs that do not run yet; `report` gets a line as each is planned and accepted.

    Without a savepoint they start afresh, and the transactions that an earlier run left open are aborted first.

    Raises
    ------
    SubmissionFailed
        With the cause that Flink names.
    BadSources
        The file of sources has mistakes.
    """
    running = running_jobs(target)
    applied = AppliedSources.of_stack(layout) if target == layout.endpoints.flink else None
    for job in jobs:
        if job in running:
            report(f"{job} runs already ({running[job]})")
    wanted = [job for job in jobs if job not in running]
    if not wanted:
        return
    if applied and savepoint is None and CLEAN_TELEMETRY in wanted:
        _require_finished(applied)
    text = declared_sources(layout)
    if savepoint is None:
        _clear_the_way(layout, wanted, target, report)

    def accepted(job: str) -> None:
        if applied and job == CLEAN_TELEMETRY:
            applied.submitted(Applied(text, _job_settings()))

    _run_client(layout, wanted, target, savepoint, _environment(layout, target) | _as_setting(text), report, accepted)


def resubmit_cleaning(layout: Layout, savepoint: str, applied: Applied, report: Callable[[str], None] = print) -> None:
    """Submits clean_telemetry to the stack's own cluster from a savepoint, with these sources and settings.

    The settings of the caller do not count, and the caller records what was applied.

    Raises
    ------
    SubmissionFailed
        With the cause that Flink names.
    """
    target = layout.endpoints.flink
    environment = {name: value for name, value in _environment(layout, target).items() if not _is_of_jobs(name)}
    variables = {**applied.settings, **_as_setting(applied.text)}
    _run_client(layout, [CLEAN_TELEMETRY], target, savepoint, environment | variables, report)


def _require_finished(applied: AppliedSources) -> None:
    """Check that no application of sources is unfinished.

    Raises
    ------
    SubmissionFailed
        When one is: the job has a savepoint, and without it would forget its state.
    """
    if savepoint := applied.unfinished():
        raise SubmissionFailed(
            f"{CLEAN_TELEMETRY} was stopped with {savepoint} by `headrace source apply`, which was interrupted. "
            "Start it from there: headrace source apply"
        )


def _clear_the_way(layout: Layout, jobs: Sequence[str], target: str, report: Callable[[str], None]) -> None:
    """Abort orphaned transactions. The Kafka of a foreign cluster need not be reachable from here: then it is said."""
    ours = target == layout.endpoints.flink
    bootstrap = (layout.endpoints if ours else Endpoints.load()).kafka
    try:
        abort_orphans(jobs, bootstrap, report)
    except KafkaClientError as error:
        if ours:
            raise SubmissionFailed(f"{error}. Start what does not run: headrace up") from error
        report(
            f"{error}. Transactions that an earlier run of {', '.join(jobs)} left open were not aborted: readers of "
            "committed records may stop in front of them for up to 24 h"
        )


def _run_client(
    layout: Layout,
    jobs: Sequence[str],
    target: str,
    savepoint: str | None,
    environment: Mapping[str, str],
    report: Callable[[str], None],
    accepted: Callable[[str], None] = lambda job: None,
) -> None:
    """Run the client to its end. `accepted` gets a job's name once the cluster has it, also if a later one fails."""
    lines = []
    client = subprocess.Popen(
        run_line(layout, *_module(jobs), target, savepoint),
        env=environment,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    for line in client.stdout or ():
        lines.append(line)
        if line.startswith(("planning ", ACCEPTED, "Job has been submitted")):
            report(line.strip())
            if line.startswith(ACCEPTED):
                accepted(line.removeprefix(ACCEPTED).strip())
    if client.wait() != 0:
        log = layout.log("submit")
        atomic_write_text(log, "".join(lines))
        raise SubmissionFailed(f"{', '.join(jobs)}: {_cause(lines)}\nThe whole output: {log}")
    if len(jobs) == 1:
        accepted(jobs[0])


def declared_sources(layout: Layout) -> str | None:
    """The text of the file that declares the sources; None without one. Raises BadSources."""
    file = layout.settings.sources_file
    load_sources(file)
    return read_sources(file)


def _is_of_jobs(variable: str) -> bool:
    return variable.upper().startswith(JOB_SETTINGS)


def _job_settings() -> dict[str, str]:
    """Of the caller's environment, without the sources."""
    return {name: value for name, value in os.environ.items() if _is_of_jobs(name) and name.upper() != SOURCES}


def _as_setting(sources: str | None) -> dict[str, str]:
    return {} if sources is None else {SOURCES: sources}


def _module(jobs: Sequence[str]) -> tuple[str, Sequence[str]]:
    """One job is its own module; several share the client of `python -m jobs`."""
    return (f"jobs.{jobs[0]}", ()) if len(jobs) == 1 else ("jobs", jobs)


def running_jobs(target: str) -> dict[str, str]:
    """Name -> id of the jobs on the cluster that have not ended.

    Raises
    ------
    FlinkUnavailable
    """
    return {job["name"]: job["jid"] for job in _overview(target) if job["state"] in _NOT_ENDED}


def wait_until_running(target: str, jobs: Sequence[str], within_s: float = 120.0) -> None:
    """Returns when every task of these jobs runs.

    Raises
    ------
    SubmissionFailed
        With the state they are stuck in.
    """
    deadline = time.monotonic() + within_s
    while True:
        waiting = {
            job["name"]: job["state"]
            for job in _overview(target)
            if job["name"] in jobs and job["state"] in _NOT_ENDED and job["tasks"]["running"] < job["tasks"]["total"]
        }
        if not waiting:
            return
        if time.monotonic() > deadline:
            raise SubmissionFailed(f"not running after {within_s:.0f} s: {waiting}. See headrace logs taskmanager")
        time.sleep(0.5)


def _overview(target: str) -> list[dict[str, Any]]:
    with FlinkRest(target) as flink:
        found: list[dict[str, Any]] = flink.get("/jobs/overview")["jobs"]
    return found


def _environment(layout: Layout, target: str) -> dict[str, str]:
    """Of the client. For a foreign cluster it has our jars, the caller's addresses, and what belongs to a job."""
    if not (layout.home / "flink" / "conf" / "config.yaml").exists():
        flink_distribution.write_configuration(layout)
    if target == layout.endpoints.flink:
        return layout.environment() | flink_distribution.environment(layout)
    conf = layout.folder("flink", "foreign-conf")
    atomic_write_text(conf / "config.yaml", _of_any_job((FLINK_CONF / "config.yaml").read_text()))
    atomic_write_text(conf / "log4j-cli.properties", (FLINK_CONF / "log4j-cli.properties").read_text())
    variables = flink_distribution.environment(layout) | {"FLINK_CONF_DIR": str(conf)}
    return {**os.environ, "PYTHONPATH": layout.environment().get("PYTHONPATH", str(REPOSITORY)), **variables}


def _of_any_job(configuration: str) -> str:
    """The settings that a job takes from its client, wherever it runs: Flink asks the cluster for none of these.

    Without an interval in it a job takes no checkpoints, and commits nothing, whatever its cluster's configuration
    says. The folders are the cluster's: a local stack's must not reach another.
    """
    wanted = ("execution.checkpointing.", "restart-strategy.", "python.", "env.java.opts.all:")
    unwanted = ("execution.checkpointing.dir:", "execution.checkpointing.savepoint-dir:")
    lines = configuration.splitlines(keepends=True)
    return "".join(line for line in lines if line.startswith(wanted) and not line.startswith(unwanted))


def _cause(lines: Sequence[str]) -> str:
    """The Python exception, else the innermost cause of the Java stack trace, else the last line."""
    text = "".join(lines)
    python = _OF_PYTHON.findall(text)
    java = re.findall(r"^Caused by: (.*)$", text, re.MULTILINE)
    useful = [cause for cause in java if "Python process exits" not in cause]
    return (useful or python or lines or ["the client printed nothing"])[-1].strip()
