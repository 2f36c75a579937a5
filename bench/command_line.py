"""How a benchmark is run: what a person can do something about is said in a line, and before anything long starts."""

import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping

from schemas.errors import HeadraceError
from stack import programs
from stack.errors import MissingProgram

DEBIAN_PACKAGES = {"wrk": "wrk", "h2load": "nghttp2-client", "taskset": "util-linux"}


def run(main: Callable[[], None]) -> None:
    """Exits with 1 and one line for a HeadraceError, and for a command that has said itself why it failed."""
    try:
        main()
    except HeadraceError as error:
        sys.exit(f"✘ {error}")
    except subprocess.CalledProcessError as error:
        words = (error.stderr or "").strip()
        sys.exit(f"✘ {shlex.join(map(str, error.cmd))} ended with {error.returncode}{f': {words}' if words else ''}")


def require_programs(*names: str, packages: Mapping[str, str] = DEBIAN_PACKAGES) -> None:
    """Check that these programs are installed.

    Raises
    ------
    MissingProgram
        Names all of those that are missing, and their packages.
    """
    if missing := [name for name in names if programs.look_for(name) is None]:
        install = " ".join(dict.fromkeys(packages[name] for name in missing))
        are = "is" if len(missing) == 1 else "are"
        raise MissingProgram(f"{', '.join(missing)} {are} not installed. Install:  apt-get install {install}")


if __name__ == "__main__":
    run(lambda: require_programs(*sys.argv[1:]))
