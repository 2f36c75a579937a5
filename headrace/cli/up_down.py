"""`headrace up` and `headrace down`."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from headrace.cli.options import Home, PortOffset, With, listed, named_servers

if TYPE_CHECKING:
    from stack.layout import Layout

Only = Annotated[
    str | None,
    typer.Option(
        metavar="NAMES",
        help="Start only these servers, separated by commas, and those that they need.",
        show_default="all servers",
    ),
]


def up(home: Home = None, port_offset: PortOffset = None, extras: With = None, only: Only = None) -> None:
    """Start the local stack, or those of its servers that do not run, and wait until each is ready.

    Can be repeated at any time. Jobs that ran before `headrace down` are resumed; new ones need `headrace submit`.

    Example: `headrace up --with postgres,connect`
    """
    from connectors.endpoints import LOOPBACK, SERVING_PORT
    from stack import lifecycle
    from stack.layout import Layout

    console = Console()
    layout = Layout.of(home, port_offset, named_servers(extras))
    lifecycle.up(layout, console, _of_the_stack(only, layout))
    console.print(
        f"\nThe stack runs in {layout.home}. Flink's dashboard: http://{layout.endpoints.flink}", soft_wrap=True
    )
    if "haproxy" in layout.extras:
        url = f"http://{LOOPBACK}:{layout.port(SERVING_PORT)}"
        console.print(f"Recommendations: {url}, described at {url}/docs", soft_wrap=True)
    console.print(
        "Addresses and credentials: headrace endpoints. Health: headrace status. Stop: headrace down", soft_wrap=True
    )


def _of_the_stack(names: str | None, layout: "Layout") -> tuple[str, ...]:
    from stack.servers import servers

    wanted = listed(names)
    there = [server.name for server in servers(layout)]
    if unknown := [name for name in wanted if name not in there]:
        raise typer.BadParameter(f"this stack has no {', '.join(unknown)}; it has {', '.join(there)}")
    return wanted


def down(home: Home = None) -> None:
    """Stop the local stack. Data and jobs are kept: the next `headrace up` resumes them."""
    from stack import lifecycle
    from stack.layout import Layout

    lifecycle.down(Layout.of(home), Console())
