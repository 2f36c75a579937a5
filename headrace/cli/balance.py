"""`headrace balance`: items received = readings + duplicates + ignored + dead letters, readings = windowed + late."""

import json
import time
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from headrace.cli.options import AsJson, Home, PortOffset

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.reconciliation.balance import Balance
    from stack.layout import Layout

HOLDS, DIFFERS, UNDER_WAY = 0, 1, 3
"""Exit statuses. 2 is that of a wrong option."""


def balance(
    as_json: AsJson = False,
    watch: Annotated[bool, typer.Option("--watch", help="Repeat the balance until interrupted with Ctrl-C.")] = False,
    every: Annotated[
        float, typer.Option(min=0.5, metavar="SECONDS", help="With `--watch`: pause between two balances, in seconds.")
    ] = 5.0,
    within: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="Seconds to wait for readings that are still in flight.")
    ] = 0.0,
    full: Annotated[
        bool, typer.Option("--full", help="Read all topics from their beginning, not only what is new.")
    ] = False,
    home: Home = None,
    port_offset: PortOffset = None,
) -> None:
    """Check that no reading was lost or doubled, by counting what the topics and stores hold.

    Items received = readings + duplicates + ignored messages + dead letters; readings = windowed + late. Reads what is
    new since the last balance. Exit status: 0 it balances and nothing is in flight, 1 a difference, 3 no difference so
    far while readings are still in flight. The last windows of a quiet fleet close after up to 80 s: wait for them
    with `--within 120`.

    Example: `headrace balance --within 120`
    """
    from stack.layout import Layout

    layout = Layout.of(home, port_offset)
    if watch:
        _watch(layout, every, full, as_json)
    else:
        taken = _take(layout, within, full, show_waiting=not as_json)
        _print(taken, as_json)
        raise typer.Exit(_status(taken))


def table_of(taken: "Balance") -> RenderableType:
    """The balance as a table, and the verdict below it."""
    return Group(_sums(taken), *_verdict(taken))


def _take(layout: "Layout", within_s: float, full: bool, show_waiting: bool = False) -> "Balance":
    from connectors.endpoints import Endpoints
    from headrace.reconciliation.balance import until_drained

    endpoints, ledger = Endpoints.load(layout.settings), layout.ledger
    if not (show_waiting and within_s):
        return until_drained(endpoints, ledger, within_s, full=full)
    with Console(stderr=True).status("reading the topics") as status:
        return until_drained(
            endpoints, ledger, within_s, full=full, on_waiting=lambda taken: status.update(taken.waiting[0])
        )


def _watch(layout: "Layout", every_s: float, full: bool, as_json: bool) -> None:
    """Until Ctrl-C, which exits with the status of the last balance."""
    from rich.live import Live

    status = UNDER_WAY
    try:
        if as_json:
            for taken in _balances(layout, every_s, full):
                print(json.dumps(taken.as_json()), flush=True)
                status = _status(taken)
        else:
            with Live(Text("reading the topics"), auto_refresh=False) as live:
                for taken in _balances(layout, every_s, full):
                    live.update(table_of(taken), refresh=True)
                    status = _status(taken)
    except KeyboardInterrupt:
        raise typer.Exit(status) from None


def _balances(layout: "Layout", every_s: float, full: bool) -> "Iterator[Balance]":
    """One after the other. An unavailable Kafka is waited for here."""
    from headrace.errors import BalanceFailed
    from headrace.reconciliation.balance import Balance
    from headrace.reconciliation.totals import Totals

    taken = Balance(Totals())
    while True:
        try:
            taken = _take(layout, 0.0, full)
            full = False
        except BalanceFailed as error:
            taken = Balance(taken.totals, waiting=[str(error)])
        yield taken
        time.sleep(every_s)


def _print(taken: "Balance", as_json: bool) -> None:
    if as_json:
        print(json.dumps(taken.as_json(), indent=2))
    else:
        Console().print(table_of(taken), soft_wrap=True)


def _status(taken: "Balance") -> int:
    if taken.differences:
        return DIFFERS
    return HOLDS if taken.drained else UNDER_WAY


def _sums(taken: "Balance") -> Table:
    totals = taken.totals
    table = Table(title="Balance", title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_row("messages in telemetry.raw", f"{totals.messages:,}")
    table.add_row("items that left the cleaning", f"{totals.items:,}")
    table.add_row("  = readings", f"{totals.readings:,}")
    table.add_row("  + duplicates", f"{totals.duplicates:,}")
    if totals.ignored:
        table.add_row("  + ignored messages", f"{totals.ignored:,}")
    for reason, count in sorted(totals.rejected.items()):
        table.add_row(f"  + dead letters: {reason}", f"{count:,}")
    for length, count in sorted(totals.windowed.items()):
        table.add_row(f"readings in windows of {length}", f"{count:,}")
    table.add_row("late readings", f"{totals.late:,}")
    for (stage, reason), count in sorted(totals.refused_elsewhere.items()):
        table.add_row(f"dead letters of {stage}: {reason}", f"{count:,}")
    table.add_row("messages that the MQTT broker dropped", _count(taken.broker_dropped))
    table.add_row("records read this time", f"{taken.records:,} in {taken.seconds:.1f} s")
    return table


def _count(count: int | None) -> str:
    return "unknown" if count is None else f"{count:,}"


def _verdict(taken: "Balance") -> "Iterator[Text]":
    for each in taken.unreadable:
        yield Text.assemble(("? ", "yellow"), str(each))
    for each in taken.gaps:
        yield Text.assemble(("? ", "yellow"), str(each))
    for each in taken.differences:
        yield Text.assemble(("✘ ", "red"), str(each))
    for sentence in taken.waiting:
        yield Text.assemble(("… ", "cyan"), sentence)
    if taken.holds and taken.gaps:
        yield Text.assemble(
            ("✔ ", "green"), "It balances, except for what is marked with ? above, which cannot be checked."
        )
    elif taken.holds:
        yield Text.assemble(("✔ ", "green"), "It balances: nothing lost, nothing twice, InfluxDB and Redis agree.")
    elif not taken.differences:
        yield Text.assemble(
            ("… ", "cyan"), "Under way, no difference so far. Wait for it:  headrace balance --within 120"
        )
