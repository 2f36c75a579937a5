"""`headrace logs`: the log of a server of the stack."""

import os
import time
from pathlib import Path
from typing import Annotated

import typer

from headrace.cli.options import Home
from stack.errors import StackUnusable


def _names(incomplete: str) -> list[str]:
    from stack.servers import NAMES

    return [name for name in (*NAMES, "supervisord") if name.startswith(incomplete)]


Name = Annotated[
    str,
    typer.Argument(
        help="Server of the stack, such as `kafka` or `taskmanager`, or `supervisord`.", autocompletion=_names
    ),
]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Keep printing new lines until interrupted with Ctrl-C.")]
Lines = Annotated[int, typer.Option("--lines", "-n", metavar="NUMBER", min=0, help="Number of last lines to print.")]


def logs(name: Name, follow: Follow = False, lines: Lines = 50, home: Home = None) -> None:
    """Print the last lines of a server's log.

    Example: `headrace logs taskmanager -n 200 --follow`
    """
    from stack.layout import Layout
    from stack.readiness import last_lines
    from stack.servers import NAMES

    names = (*NAMES, "supervisord")
    if name not in names:
        raise StackUnusable(f"No server is called {name}. There are: {', '.join(names)}")
    path = Layout.of(home).log(name)
    if not path.is_file():
        raise StackUnusable(f"{name} has no log yet ({path})")
    for line in last_lines(path, lines):
        print(line)
    if follow:
        _follow(path)


def _follow(path: Path) -> None:
    """Until interrupted. After a rotation it goes on with the new file."""
    file = path.open(errors="replace")
    file.seek(0, 2)
    try:
        while True:
            if text := file.read():
                print(text, end="", flush=True)
            elif path.exists() and not os.path.samestat(path.stat(), os.fstat(file.fileno())):
                file.close()
                file = path.open(errors="replace")
            else:
                time.sleep(0.3)
    except KeyboardInterrupt:
        pass
    finally:
        file.close()
