"""`headrace logs`: what a server of the stack said."""

import os
import time
from pathlib import Path
from typing import Annotated

import typer

from headrace.cli.options import Home
from stack.errors import StackUnusable

Name = Annotated[str, typer.Argument(help="A server of the stack, or supervisord.")]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on printing what is added.")]
Lines = Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the last lines.")]


def logs(name: Name, follow: Follow = False, lines: Lines = 50, home: Home = None) -> None:
    """Print the end of a server's log."""
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
    """Until interrupted. A log that was rotated away is left for the new one."""
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
