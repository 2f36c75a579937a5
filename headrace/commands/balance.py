"""`headrace balance`: items received = readings + duplicates + dead letters, readings = windowed + late."""

import json
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.table import Table

from headrace.commands.options import AsJson, Home, PortOffset

if TYPE_CHECKING:
    from headrace.accounting.balance import Balance


def balance(as_json: AsJson = False, home: Home = None, port_offset: PortOffset = None) -> None:
    """Add up what came in against what became of it; exit with 1 on a difference.

    Computed from what the topics and stores hold, never from counters. While readings are under way
    they show as differences: the last windows of a quiet fleet close after up to 80 s.
    """
    from connectors.endpoints import Endpoints
    from headrace.accounting import balance as accounting
    from headrace.stack.layout import Layout

    taken = accounting.take(Endpoints.load(Layout.of(home, port_offset).settings))
    if as_json:
        print(json.dumps(taken.as_json(), indent=2))
    else:
        print_balance(taken, Console())
    raise typer.Exit(0 if taken.holds else 1)


def print_balance(taken: "Balance", console: Console) -> None:
    """The balance as a table, the differences below it in red."""
    ledger = taken.ledger
    table = Table(title="Balance", title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_row("messages in telemetry.raw", f"{ledger.messages:,}")
    table.add_row("items in them", f"{ledger.items:,}")
    table.add_row("  = readings", f"{ledger.readings:,}")
    table.add_row("  + duplicates", f"{ledger.duplicates:,}")
    for reason, count in sorted(ledger.rejected.items()):
        table.add_row(f"  + dead letters: {reason}", f"{count:,}")
    table.add_row("readings in windows of 10s", f"{ledger.windowed['10s']:,}")
    table.add_row("  + late", f"{ledger.late:,}")
    for (stage, reason), count in sorted(ledger.refused_elsewhere.items()):
        table.add_row(f"dead letters of {stage}: {reason}", f"{count:,}")
    console.print(table)
    for difference in taken.differences:
        console.print(f"[red]✘[/] {difference}", soft_wrap=True)
    if taken.holds:
        console.print("[green]✔[/] It balances: nothing lost, nothing twice, InfluxDB and Redis agree.")
