"""headrace-flink.jar: the operators that are written in Java (flink/java), built once per user and per version."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from stack import programs
from stack.errors import BuildFailed
from stack.layout import REPOSITORY, cache

SOURCE = REPOSITORY / "flink" / "java"
JAR = "headrace-flink.jar"


def built(source: Path = SOURCE) -> Path:
    """<cache>/jars/<hash of the sources>-operators/headrace-flink.jar. It may not exist yet."""
    found = hashlib.sha256()
    for path in _sources(source):
        found.update(f"{path.relative_to(source)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return cache() / "jars" / f"{found.hexdigest()[:16]}-operators" / JAR


def build(report: Callable[[str], None], source: Path = SOURCE) -> Path:
    """The jar; the first call builds it, and downloads what it is compiled against (about 120 MB with Maven's plugins).

    Raises
    ------
    MissingProgram
        Maven or a Java compiler is not installed.
    BuildFailed
        With the first error of Maven.
    """
    jar = built(source)
    if not jar.is_file():
        maven, javac = programs.find("mvn"), programs.find("javac")
        report(f"Building {JAR}")
        jar.parent.parent.mkdir(parents=True, exist_ok=True)
        # A copy, beside the place where its result goes: builds at the same time do not meet.
        partial = Path(tempfile.mkdtemp(dir=jar.parent.parent, prefix=".partial-"))
        try:
            for path in _sources(source):
                copy = partial / path.relative_to(source)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)
            _package(maven, javac, partial)
            jar.parent.mkdir(exist_ok=True)
            (partial / "target" / JAR).replace(jar)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return jar


def _sources(source: Path) -> list[Path]:
    """What the jar is made of; its tests are not."""
    return [source / "pom.xml", *sorted(path for path in (source / "src" / "main").rglob("*") if path.is_file())]


def _package(maven: Path, javac: Path, folder: Path) -> None:
    command = [str(maven), "-q", "-B", "-f", str(folder / "pom.xml"), "-Dmaven.test.skip", "package"]
    environment = os.environ | {"JAVA_HOME": str(javac.resolve().parents[1])}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode or not (folder / "target" / JAR).is_file():
        errors = [line for line in done.stdout.splitlines() if line.startswith("[ERROR]")]
        raise BuildFailed(f"Maven could not build {JAR}: {errors[0] if errors else programs.last_line(done.stdout)}")
