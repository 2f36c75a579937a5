"""`headrace status`."""

from headrace.commands.options import AsJson, Home, PortOffset


def status(home: Home = None, port_offset: PortOffset = None, as_json: AsJson = False) -> None:
    """Show processes, jobs and alarms; exit with 1 if there is an alarm."""
