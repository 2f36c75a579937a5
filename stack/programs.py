"""Finds the programs that the stack runs, or says in one line how to install a missing one."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Collection, Iterator
from functools import cache
from pathlib import Path

from stack.errors import BuildFailed, MissingProgram

# Debian's package and the environment variable that names another place. /usr/sbin is not on every user's PATH.
DEBIAN_PACKAGES = {
    "mosquitto": "mosquitto",
    "redis-server": "redis-server",
    "java": "openjdk-17-jre-headless",
    "javac": "openjdk-17-jdk-headless",
    "mvn": "maven",
}
# Of servers that are asked for. Debian keeps each version of PostgreSQL in a folder of its own, and none on PATH.
OPTIONAL_PACKAGES = {
    "postgres": "postgresql",
    "initdb": "postgresql",
    "haproxy": "haproxy",
    "wrk": "wrk",  # of `make bench-serving` alone, as the next
    "h2load": "nghttp2-client",
}
JAVA_VERSIONS = (17, 21)
"""Those that both Flink 2.3 (11, 17, 21) and Kafka 4.3 (17 and newer) are made for; the first is preferred."""
JAVA_PACKAGES = {
    "java": tuple(f"openjdk-{version}-jre-headless" for version in JAVA_VERSIONS),
    "javac": tuple(f"openjdk-{version}-jdk-headless" for version in JAVA_VERSIONS),
}
"""A release of Debian or Ubuntu has some of them: Debian 12 has 17, Debian 13 has 21."""
JAVA_FOLDERS = Path("/usr/lib/jvm")
OF_SERVERS = {"postgres": ("postgres", "initdb"), "haproxy": ("haproxy",)}
POSTGRES_VERSIONS = Path("/usr/lib/postgresql")
POLICY_RC_D = Path("/usr/sbin/policy-rc.d")


def find(program: str) -> Path:
    """Path of a program: HEADRACE_<PROGRAM>, PATH, /usr/sbin.

    A java or javac that is neither 17 nor 21 is passed over; JAVA_HOME comes before PATH, /usr/lib/jvm behind it.

    Raises
    ------
    MissingProgram
        With the command that installs it.
    """
    found = look_for(program)
    if found is None:
        raise MissingProgram(
            f"{_what_is_missing(program)}. Install it:  sudo apt-get install -y --no-install-recommends "
            f"{_package(program)}\n"
            f"  (or name it: {variable(program)}=/path/to/{program}; as root, `headrace setup` installs all)"
        )
    return found


def look_for(program: str) -> Path | None:
    """Like `find`, None for a missing program."""
    if program in JAVA_PACKAGES:
        return next((path for path in _javas(program) if _java_version(path) in JAVA_VERSIONS), None)
    return _which(os.environ.get(variable(program)) or program)


def _which(program: str) -> Path | None:
    found = shutil.which(program, path=_search_path())
    return Path(found) if found else None


def _javas(program: str) -> Iterator[Path]:
    """Every java (or javac) of the machine, the preferred one first. One that HEADRACE_JAVA names is the only one."""
    named, home = os.environ.get(variable(program)), os.environ.get("JAVA_HOME")
    of_home = [f"{home}/bin/{program}"] if home else []
    places = [named] if named else [*of_home, program]
    yield from filter(None, map(_which, places))
    if not named:
        yield from sorted(JAVA_FOLDERS.glob(f"*/bin/{program}"), key=lambda java: (_java_version(java) or 0, java))


def _java_version(java: Path) -> int | None:
    """The feature release, such as 17; None if it does not say."""
    return _stated_java_version(java, java.stat().st_mtime_ns)


@cache
def _stated_java_version(java: Path, _changed_at: int) -> int | None:
    release = java.resolve().parents[1] / "release"
    text = release.read_text(errors="replace") if release.is_file() else ""
    stated = re.search(r'^JAVA_VERSION="?(?:1\.)?(\d+)', text, re.M)
    if stated is None:
        try:
            done = subprocess.run([str(java), "-version"], capture_output=True, text=True, errors="replace", timeout=30)
        except (OSError, subprocess.TimeoutExpired):
            return None
        stated = re.search(r'(?:version "|javac )(?:1\.)?(\d+)', done.stderr + done.stdout)
    return int(stated[1]) if stated else None


def _what_is_missing(program: str) -> str:
    """With the Java that is there, and cannot be used."""
    if program not in JAVA_PACKAGES:
        return f"{program} is not installed"
    first = next(_javas(program), None)
    if first is None:
        return f"{'Java' if program == 'java' else program} 17 or 21 is not installed"
    version = _java_version(first)
    return f"Flink and Kafka need Java 17 or 21, and {first} is {f'Java {version}' if version else 'no Java'}"


def _require_no_name(program: str) -> None:
    """Check that no environment variable names the missing program.

    Raises
    ------
    MissingProgram
        When one does: installing a package would not help.
    """
    if named := os.environ.get(variable(program)):
        wrong = _what_is_missing(program) if program in JAVA_PACKAGES and _which(named) else f"{named} is not a program"
        raise MissingProgram(f"{wrong}. {variable(program)} names it: name another, or unset it")


def _package(program: str) -> str:
    """Debian's package of a program. Of Java one that this release has.

    Raises
    ------
    MissingProgram
        Apt has none of Java 17 or 21, or a variable names what is missing.
    """
    _require_no_name(program)
    if program not in JAVA_PACKAGES:
        return (DEBIAN_PACKAGES | OPTIONAL_PACKAGES)[program]
    apt = _which("apt-cache")
    if apt is None:
        return DEBIAN_PACKAGES[program]
    packages = JAVA_PACKAGES[program]
    offered = subprocess.run([str(apt), "policy", *packages], capture_output=True, text=True, env=_in_english())
    for package in packages:
        candidate = re.search(rf"^{package}:\n(?:  .*\n)*?  Candidate: (?!\(none\))", offered.stdout, re.M)
        if candidate is not None:
            return package
    raise MissingProgram(
        f"{_what_is_missing(program)}, and apt offers neither. Run apt-get update, or install one of them and name it: "
        f"{variable(program)}=/path/to/{program}"
    )


def variable(program: str) -> str:
    """Name of the environment variable that overrides where a program is."""
    return "HEADRACE_" + program.upper().replace("-", "_")


def of_servers(names: Collection[str]) -> tuple[str, ...]:
    """Programs of optional servers."""
    return tuple(program for name in names for program in OF_SERVERS.get(name, ()))


def missing(optional: Collection[str] = ()) -> list[str]:
    """Programs that are missing; of `optional` ones those that are named."""
    return [program for program in (*DEBIAN_PACKAGES, *optional) if look_for(program) is None]


def install_missing(report: Callable[[str], None], optional: Collection[str] = ()) -> None:
    """Install Debian packages of what is missing; their services do not start.

    Raises
    ------
    MissingProgram
        Not root, or not Debian: the line to run instead.
    BuildFailed
        Apt-get failed.
    """
    programs = missing(optional)
    if not programs:
        return
    if os.getuid() != 0 or shutil.which("apt-get") is None:
        packages = _packages(programs)
        line = " ".join([*INSTALL, *packages])
        raise MissingProgram(f"Not installed: {', '.join(packages)}. On Debian or Ubuntu:  sudo {line}")
    for program in programs:
        _require_no_name(program)
    with _ServicesStayDown():
        # First, for only then apt knows which packages there are.
        _apt(["apt-get", "update", "-q"])
        packages = _packages(programs)
        report(f"Installing {', '.join(packages)}")
        _apt([*INSTALL, *packages])


INSTALL = ["apt-get", "install", "-y", "--no-install-recommends"]


def _packages(programs: Collection[str]) -> list[str]:
    return list(dict.fromkeys(map(_package, programs)))


class _ServicesStayDown:
    """While packages are installed, policy-rc.d forbids their services to start. An existing one is left alone."""

    def __enter__(self) -> None:
        self.ours = not POLICY_RC_D.exists()
        if self.ours:
            POLICY_RC_D.write_text("#!/bin/sh\nexit 101\n")
            POLICY_RC_D.chmod(0o755)

    def __exit__(self, *_: object) -> None:
        if self.ours:
            POLICY_RC_D.unlink(missing_ok=True)


def _apt(command: list[str]) -> None:
    environment = _in_english() | {"DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise BuildFailed(f"`{' '.join(command)}` failed: {last_line(done.stderr)}")


def _in_english() -> dict[str, str]:
    return {**os.environ, "LC_ALL": "C.UTF-8"}


def last_line(text: str) -> str:
    """The last line that says something."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


def _search_path() -> str:
    newest_first = sorted(POSTGRES_VERSIONS.glob("*/bin"), key=lambda path: -int(path.parent.name))
    system = ["/usr/local/sbin", "/usr/sbin", "/sbin"]
    return os.pathsep.join([os.environ.get("PATH", os.defpath), *system, *map(str, newest_first)])
