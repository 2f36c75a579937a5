"""`headrace cdc`: change capture of PostgreSQL's tables."""

import json
from contextlib import suppress
from dataclasses import asdict

import typer
from rich.console import Console

from headrace.cli.groups import noun
from headrace.cli.options import AsJson, Home, PortOffset

RUNS_WITHIN_S = 60.0
CATCHES_UP_WITHIN_S = 120.0
"""A heartbeat comes every 5 s; what takes long is a snapshot, or a log that has grown."""

cdc = noun("Inspect, repair or remove change capture (CDC) of PostgreSQL's tables.")


@cdc.command()
def status(home: Home = None, port_offset: PortOffset = None, as_json: AsJson = False) -> None:
    """Show whether changes are captured, what prevents it, and how much of PostgreSQL's log waits to be read.

    Exits with 1 if there is any fault.
    """
    from headrace.monitoring import capture
    from stack.layout import Layout

    layout = Layout.of(home, port_offset)
    figures = capture.collect(layout.capture, layout.endpoints.kafka)
    if as_json:
        shown = asdict(figures) | {"faults": [fault._asdict() for fault in figures.faults]}
        print(json.dumps(shown, indent=2))
    else:
        for name, value in asdict(figures).items():
            if value != "" and name != "faults" and not (name == "error" and figures.faults):
                print(f"{name.replace('_', ' '):<18}", value)
        for fault in figures.faults:
            print(f"{'fault':<18} {fault.wrong}. Next: {fault.next}")
    if figures.error:
        raise typer.Exit(1)


@cdc.command()
def repair(home: Home = None, port_offset: PortOffset = None) -> None:
    """Repair change capture, and make the topics agree with the tables.

    Restores the publication, the replica identity and the connector. Where changes were missed, it reads the rows
    again, and deletes from the topic those that the table no longer has. `headrace up` does the same.
    """
    from connectors.postgres_cdc import CaptureError, ConnectorRefused, NotCaughtUp, RowsNotRead, connector, repair
    from connectors.postgres_cdc.inspection import Fault, inspect, next_of_failure
    from stack.connect import password_for_connect
    from stack.layout import Layout

    layout, console = Layout.of(home, port_offset), Console(highlight=False)
    endpoints, kafka = layout.capture, layout.endpoints.kafka
    faults = []
    try:
        repair.repair(
            endpoints,
            kafka,
            password_for_connect(layout),
            print,
            runs_within_s=RUNS_WITHIN_S,
            catches_up_within_s=CATCHES_UP_WITHIN_S,
        )
    except (NotCaughtUp, RowsNotRead) as error:  # for one of the faults, if there is any
        faults.append(Fault(str(error), "headrace cdc repair"))
    except CaptureError as error:
        state = None
        with suppress(CaptureError):
            state = connector.state(endpoints)
        if state is not None and state.failed_on_record:
            raise ConnectorRefused(f"{error}. Next: {next_of_failure(state)}") from error
        raise
    faults = inspect(endpoints, kafka) or faults
    for fault in faults:
        console.print(f"{fault.wrong}. Next: {fault.next}", soft_wrap=True)
    if faults:
        raise typer.Exit(1)
    console.print("Changes are captured.")


@cdc.command()
def remove(home: Home = None, port_offset: PortOffset = None) -> None:
    """Remove the connector and its replication slot, so that PostgreSQL no longer keeps its log for them.

    Topics and tables stay. The next `headrace up` creates both again and begins with a snapshot of all rows.
    """
    from connectors.postgres_cdc import connector, database
    from stack.layout import Layout

    endpoints, console = Layout.of(home, port_offset).capture, Console(highlight=False)
    gone = connector.remove(endpoints)
    console.print("The connector is removed." if gone else "There was no connector.")
    gone = database.drop_slot(endpoints)
    console.print("The replication slot is removed." if gone else "There was no replication slot.")
