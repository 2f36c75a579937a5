"""Jars that `flink-conf/pom.xml` names, fetched by Maven once per user and per version of that file."""

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from stack import programs
from stack.errors import BuildFailed
from stack.layout import FLINK_CONF, cache

POM = FLINK_CONF / "pom.xml"
GROUPS = ("flink", "kafka", "debezium")
"""Profiles of the pom: what goes into Flink's lib, the broker with Connect, and Connect's plugin."""


def folder() -> Path:
    """<cache>/jars/<hash of the pom>, with one folder per group. It may not exist yet."""
    return cache() / "jars" / hashlib.sha256(POM.read_bytes()).hexdigest()[:16]


def fetched() -> bool:
    return folder().is_dir()


def fetch(report: Callable[[str], None]) -> Path:
    """The folder of jars; the first call downloads them (about 80 MB).

    Raises
    ------
    MissingProgram
        Maven is not installed.
    BuildFailed
        A download failed.
    """
    target = folder()
    if not target.is_dir():
        maven = programs.find("mvn")
        target.parent.mkdir(parents=True, exist_ok=True)
        # All groups into a folder beside it, then one rename: a killed download leaves nothing half.
        partial = Path(tempfile.mkdtemp(dir=target.parent, prefix=".partial-"))
        try:
            for group in GROUPS:
                report(f"Fetching the jars of {group}")
                _copy_dependencies(maven, group, partial / group)
            _move(partial, target)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return target


def _copy_dependencies(maven: Path, group: str, into: Path) -> None:
    goal = ["dependency:copy-dependencies", f"-DoutputDirectory={into}", "-DincludeScope=runtime"]
    command = [str(maven), "-q", "-B", "-f", str(POM), "-P", group, *goal]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode or not any(into.glob("*.jar")):
        errors = [line for line in done.stdout.splitlines() if line.startswith("[ERROR]")]
        raise BuildFailed(f"Maven could not fetch the jars of {group}: {errors[0] if errors else done.stdout[-300:]}")


def _move(partial: Path, target: Path) -> None:
    try:
        partial.rename(target)
    except OSError:  # another `headrace` was quicker: its folder is as good
        if not target.is_dir():
            raise
