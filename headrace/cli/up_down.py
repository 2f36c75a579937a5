"""`headrace up` and `headrace down`."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from headrace.cli.options import Home, PortOffset, With, listed, named_servers

if TYPE_CHECKING:
    from stack.layout import Layout

Only = Annotated[
    str | None, typer.Option(help="Start these servers, and what they need, and no other.", metavar="NAMES")
]


def up(home: Home = None, port_offset: PortOffset = None, extras: With = None, only: Only = None) -> None:
    """Start the local stack, or what is missing of it, and wait until it works."""
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
    """Stop the local stack. Its data stay, and so do its jobs: the next `up` resumes them."""
    from stack import lifecycle
    from stack.layout import Layout

    lifecycle.down(Layout.of(home), Console())
