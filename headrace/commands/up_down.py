"""`headrace up` and `headrace down`."""

from rich.console import Console

from headrace.commands.options import Home, PortOffset


def up(home: Home = None, port_offset: PortOffset = None) -> None:
    """Start the local stack, or what is missing of it, and wait until it works."""
    from headrace.stack import lifecycle
    from headrace.stack.layout import Layout

    console = Console()
    layout = Layout.of(home, port_offset)
    lifecycle.up(layout, console)
    console.print(
        f"\nThe stack runs in {layout.home}. Flink's dashboard: http://{layout.endpoints.flink}", soft_wrap=True
    )
    console.print(
        "Addresses and credentials: headrace endpoints. Health: headrace status. Stop: headrace down", soft_wrap=True
    )


def down(home: Home = None) -> None:
    """Stop the local stack. Its data stay, and so do its jobs: the next `up` resumes them."""
    from headrace.stack import lifecycle
    from headrace.stack.layout import Layout

    lifecycle.down(Layout.of(home), Console())
