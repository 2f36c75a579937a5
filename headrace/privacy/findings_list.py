"""What is left of a user, as a person reads it."""

from collections.abc import Iterable

from rich.console import Console

from headrace.privacy.finding import Finding


def print_findings(findings: Iterable[Finding], console: Console) -> bool:
    """A line for each place, as soon as it was looked at. Whether nothing stays."""
    stays = False
    for found in findings:
        mark = "[red]✘[/]" if found.stays else "[green]✔[/]"
        console.print(f"{mark} ", end="")
        console.print(f"{found.place:<26} ", end="", markup=False, highlight=False)
        console.print(found.result, markup=False, highlight=False)
        stays |= found.stays
    return not stays
