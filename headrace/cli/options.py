"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

STACK_PANEL = "Local stack"
"""Heading, in the help, of the options that say which local stack is meant."""

Home = Annotated[
    Path | None,
    typer.Option(
        "--home",
        metavar="DIR",
        help="Folder of the local stack: its data, logs, secrets and models.",
        show_default="$HEADRACE_HOME, else .headrace",
        rich_help_panel=STACK_PANEL,
    ),
]
PortOffset = Annotated[
    int | None,
    typer.Option(
        "--port-offset",
        metavar="NUMBER",
        min=0,
        max=40000,
        help="Number that is added to every port of the stack, so that several stacks can run side by side.",
        show_default="$HEADRACE_PORT_OFFSET, else what the stack was started with, else 0",
        rich_help_panel=STACK_PANEL,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of text for people.")]
With = Annotated[
    str | None,
    typer.Option(
        "--with",
        metavar="NAMES",
        help="Optional servers, separated by commas: `postgres`, `connect` (needs `postgres`), `serving` "
        "(`serving=2` is two instances), `listener` (`listener=2` is two processes on one port). The stack remembers "
        "them. Example: `--with postgres,connect,serving=2`.",
        show_default="those of the last start",
    ),
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
    from stack.listener import LISTENERS
    from stack.serving import INSTANCES

    if name in ("postgres", "connect"):
        return (name,)
    kind, _, number = name.partition("=")
    number = number if "=" in name else "1"
    if kind == "serving":
        return (*_first(number, [each.name for each in INSTANCES], "serving", "instances"), "haproxy")
    if kind == "listener":
        return _first(number, [each.name for each in LISTENERS], "listener", "processes")
    raise typer.BadParameter(f"no optional server {name}; there are postgres, connect, serving, listener")


def _first(number: str, names: list[str], kind: str, what: str) -> tuple[str, ...]:
    if number not in [str(count) for count in range(1, len(names) + 1)]:
        raise typer.BadParameter(f"{kind}: 1 to {len(names)} {what}, such as --with {kind}=2")
    return tuple(names[: int(number)])


def listed(names: str | None) -> tuple[str, ...]:
    """The names of a list with commas, each once.

    >>> listed("kafka, connect,kafka")
    ('kafka', 'connect')
    """
    return tuple(dict.fromkeys(name.strip() for name in (names or "").split(",") if name.strip()))
