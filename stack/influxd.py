"""Finds the program influxd, or builds it: InfluxData's package repositories are not Debian's."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from stack import programs
from stack.errors import BuildFailed, MissingProgram
from stack.layout import REPOSITORY, cache

SOURCE = REPOSITORY / "deploy" / "influxd"
MIN_GO_VERSION = (1, 23)


def version() -> str:
    """That the build's go.mod names."""
    found = re.search(r"influxdata/influxdb/v2 v([0-9.]+)", (SOURCE / "go.mod").read_text())
    if found is None:
        raise BuildFailed(f"{SOURCE}/go.mod names no influxdb")
    return found[1]


def built() -> Path:
    """Where a build of that version is kept."""
    return cache() / f"influxd-{version()}" / "influxd"


def look_for() -> Path | None:
    """HEADRACE_INFLUXD, PATH, the cache."""
    named = os.environ.get("HEADRACE_INFLUXD")
    if named:
        return Path(named) if os.access(named, os.X_OK) else None
    return programs.look_for("influxd") or (built() if built().is_file() else None)


def find() -> Path:
    """Like `look_for`.

    Raises
    ------
    MissingProgram
        With the command that builds it.
    """
    found = look_for()
    if found is None:
        raise MissingProgram(
            "influxd is not installed. Build it once (Go and Rust, about 5 min):  headrace setup\n"
            "  (or name one, InfluxDB 2.7 or newer: HEADRACE_INFLUXD=/path/to/influxd)"
        )
    return found


def build(report: Callable[[str], None]) -> Path:
    """influxd, built if there is none.

    Raises
    ------
    MissingProgram
        Go or Rust is missing or too old.
    BuildFailed
        The build's last line and where its log is.
    """
    found = look_for()
    if found is not None:
        return found
    _require_compilers()
    log = built().parent / "build.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    with log.open("w") as output:
        build = subprocess.Popen(["/bin/sh", str(SOURCE / "build.sh"), str(built())], stdout=output, stderr=output)
        while build.poll() is None:
            # Go and Cargo do not tell how far they are.
            minutes, seconds = divmod(int(time.monotonic() - began), 60)
            if seconds % 30 == 0:
                report(f"Building influxd {version()} from its Go module, once, about 5 min ({minutes}:{seconds:02})")
            time.sleep(1)
    if build.returncode:
        raise BuildFailed(f"influxd was not built: {programs.last_line(log.read_text())}\n  The whole log: {log}")
    return built()


def _require_compilers() -> None:
    other_way = "or name a built one: HEADRACE_INFLUXD=/path/to/influxd"
    go = shutil.which("go")
    printed = subprocess.run([go, "version"], capture_output=True, text=True).stdout if go else ""
    found = re.search(r"go(\d+)\.(\d+)", printed)
    if found is None or (int(found[1]), int(found[2])) < MIN_GO_VERSION:
        have = f"Go {found[1]}.{found[2]} is too old" if found else "Go is not installed"
        raise MissingProgram(
            f"influxd needs Go 1.23 or newer to build; {have}. Install it from https://go.dev/dl, {other_way}"
        )
    for program, line in {"rustc": "curl https://sh.rustup.rs -sSf | sh", "cc": "sudo apt-get install -y gcc"}.items():
        if shutil.which(program) is None:
            raise MissingProgram(f"influxd needs {program} to build. Install it:  {line}   ({other_way})")
