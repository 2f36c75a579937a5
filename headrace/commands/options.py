"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Home = Annotated[Path | None, typer.Option("--home", help="Folder of the stack [HEADRACE_HOME, .headrace].")]
PortOffset = Annotated[
    int | None,
    typer.Option("--port-offset", min=0, max=40000, help="Added to every port [HEADRACE_PORT_OFFSET, 0]."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
With = Annotated[
    str | None, typer.Option("--with", help="Optional servers too, and from now on: postgres,connect.", metavar="NAMES")
]


def named_servers(extras: str | None) -> tuple[str, ...] | None:
    """None: what the stack had before."""
    from headrace.stack.servers import OPTIONAL

    if extras is None:
        return None
    names = listed(extras)
    if unknown := [name for name in names if name not in OPTIONAL]:
        raise typer.BadParameter(f"no optional server {', '.join(unknown)}; there are {', '.join(OPTIONAL)}")
    if "connect" in names and "postgres" not in names:
        raise typer.BadParameter("connect captures the tables of postgres: --with postgres,connect")
    return names


def listed(names: str | None) -> tuple[str, ...]:
    """
    >>> listed("kafka, connect,kafka")
    ('kafka', 'connect')
    """
    return tuple(dict.fromkeys(name.strip() for name in (names or "").split(",") if name.strip()))
