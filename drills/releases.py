"""Another release of our packages, in a folder, and a job that runs it."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from drills.context import Context
from drills.errors import NotPrepared
from headrace import submission
from jobs.names import PACKAGES
from stack import flink_distribution
from stack.layout import REPOSITORY

SUBMITTED_WITHIN_S = 180.0


def copy_packages(release: Path) -> None:
    """Our packages, into a folder that is made anew."""
    shutil.rmtree(release, ignore_errors=True)
    for package in PACKAGES:
        shutil.copytree(REPOSITORY / package, release / package, ignore=shutil.ignore_patterns("__pycache__"))


def replace_line(file: Path, line: str, by: str) -> None:
    """Exactly one line of a release's file.

    Raises
    ------
    NotPrepared
    """
    text = file.read_text()
    if text.count(line) != 1:
        raise NotPrepared(f"{file.name} does not have the line {line.strip()!r} once: adapt the drill")
    file.write_text(text.replace(line, by))


def run_release(
    context: Context,
    job: str,
    savepoint: str | None,
    code: Path,
    *options: str,
    variables: Mapping[str, str] | None = None,
) -> None:
    """`flink run` of a job, from a savepoint if there is one, with the packages in `code`; returns when it runs.

    Raises
    ------
    NotPrepared
    """
    layout = context.environment.layout
    line = submission.run_line(layout, f"jobs.{job}", (), context.endpoints.flink, savepoint)
    line[line.index("--detached") : line.index("--detached")] = options
    if code != REPOSITORY:
        line[line.index("-pyfs") + 1] = str(code)
    environment = layout.environment() | flink_distribution.environment(layout) | dict(variables or {})
    environment["PYTHONPATH"] = str(code)
    # The client plans with what lies in its working directory, whatever PYTHONPATH says.
    try:
        done = subprocess.run(
            line, env=environment, cwd=code, capture_output=True, text=True, timeout=SUBMITTED_WITHIN_S
        )
    except subprocess.TimeoutExpired as error:
        raise NotPrepared(f"{job} was not submitted within {SUBMITTED_WITHIN_S:.0f} s: run the drill again") from error
    if done.returncode:
        raise NotPrepared(f"{job} was not submitted: {done.stdout[-500:]}{done.stderr[-500:]}")
    submission.wait_until_running(context.endpoints.flink, (job,))
