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
    str | None,
    typer.Option("--with", help="Optional servers too, and from now on: postgres,connect,serving=2.", metavar="NAMES"),
]


def named_servers(extras: str | None) -> tuple[str, ...] | None:
    """Names of servers; `serving=2` is two of them and HAProxy. None: what the stack had before."""
    if extras is None:
        return None
    names = tuple(server for name in listed(extras) for server in _servers_of(name))
    if "connect" in names and "postgres" not in names:
        raise typer.BadParameter("connect captures the tables of postgres: --with postgres,connect")
    return names


def _servers_of(name: str) -> tuple[str, ...]:
    from stack.serving import INSTANCES

    if name in ("postgres", "connect"):
        return (name,)
    kind, _, number = name.partition("=")
    if kind != "serving":
        raise typer.BadParameter(f"no optional server {name}; there are postgres, connect, serving")
    number = number if "=" in name else "1"
    if number not in (counts := [str(each.number) for each in INSTANCES]):
        raise typer.BadParameter(f"serving: 1 to {counts[-1]} instances, such as --with serving=2")
    return (*(each.name for each in INSTANCES[: int(number)]), "haproxy")


def listed(names: str | None) -> tuple[str, ...]:
    """The names of a list with commas, each once.

    >>> listed("kafka, connect,kafka")
    ('kafka', 'connect')
    """
    return tuple(dict.fromkeys(name.strip() for name in (names or "").split(",") if name.strip()))
