"""Finds the programs that the stack runs, or says in one line how to install a missing one."""

import os
import shutil
import subprocess
from collections.abc import Callable, Collection
from pathlib import Path

from headrace.errors import BuildFailed, MissingProgram

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
OF_SERVERS = {"postgres": ("postgres", "initdb"), "haproxy": ("haproxy",)}
POSTGRES_VERSIONS = Path("/usr/lib/postgresql")
POLICY_RC_D = Path("/usr/sbin/policy-rc.d")


def find(program: str) -> Path:
    """Path of a program: HEADRACE_<PROGRAM>, java and javac of JAVA_HOME, PATH, /usr/sbin.

    Raises:
        MissingProgram: with the command that installs it.
    """
    found = look_for(program)
    if found is None:
        package = (DEBIAN_PACKAGES | OPTIONAL_PACKAGES)[program]
        raise MissingProgram(
            f"{program} is not installed. Install it:  sudo apt-get install -y --no-install-recommends {package}\n"
            f"  (or name it: {variable(program)}=/path/to/{program}; as root, `headrace setup` installs all)"
        )
    return found


def look_for(program: str) -> Path | None:
    """Like `find`, None for a missing program."""
    named = os.environ.get(variable(program))
    if named is None and program in ("java", "javac") and os.environ.get("JAVA_HOME"):
        named = os.path.join(os.environ["JAVA_HOME"], "bin", program)
    found = shutil.which(named or program, path=_search_path())
    return Path(found) if found else None


def variable(program: str) -> str:
    """Name of the environment variable that overrides where a program is."""
    return "HEADRACE_" + program.upper().replace("-", "_")


def of_servers(names: Collection[str]) -> tuple[str, ...]:
    """Programs of optional servers."""
    return tuple(program for name in names for program in OF_SERVERS.get(name, ()))


def missing_packages(optional: Collection[str] = ()) -> list[str]:
    """Debian packages of the programs that are missing; of `optional` ones those that are named."""
    wanted = DEBIAN_PACKAGES | {program: OPTIONAL_PACKAGES[program] for program in optional}
    return list(dict.fromkeys(package for program, package in wanted.items() if look_for(program) is None))


def install_missing(say: Callable[[str], None], optional: Collection[str] = ()) -> None:
    """Install Debian packages of what is missing; their services do not start.

    Raises:
        MissingProgram: not root, or not Debian: the line to run instead.
        BuildFailed: apt-get failed.
    """
    packages = missing_packages(optional)
    if not packages:
        return
    line = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    if os.getuid() != 0 or shutil.which("apt-get") is None:
        raise MissingProgram(f"Not installed: {', '.join(packages)}. On Debian or Ubuntu:  sudo {' '.join(line)}")
    say(f"Installing {', '.join(packages)}")
    with _ServicesStayDown():
        _apt(["apt-get", "update", "-q"])
        _apt(line)


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
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise BuildFailed(f"`{' '.join(command)}` failed: {last_line(done.stderr)}")


def last_line(text: str) -> str:
    """The last line that says something."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


def _search_path() -> str:
    newest_first = sorted(POSTGRES_VERSIONS.glob("*/bin"), key=lambda path: -int(path.parent.name))
    system = ["/usr/local/sbin", "/usr/sbin", "/sbin"]
    return os.pathsep.join([os.environ.get("PATH", os.defpath), *system, *map(str, newest_first)])
