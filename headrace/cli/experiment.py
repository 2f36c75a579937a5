"""`headrace experiment`: how experiments stand, and how they end."""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from headrace.cli.groups import noun
from headrace.cli.options import AsJson, Home, PortOffset

if TYPE_CHECKING:
    from connectors.experiments_file import ExperimentsFile
    from schemas.experiment import Experiment

experiment = noun("Evaluate and end A/B experiments on recommendations.")

Name = Annotated[str, typer.Argument(help="Name of the experiment in experiments.toml.")]
MaybeName = Annotated[
    str | None,
    typer.Argument(help="Name of the experiment in experiments.toml.", show_default="all experiments"),
]
Arm = Annotated[str, typer.Argument(help="Arm whose list all users get: `control` or `treatment`.")]
Page = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.html",
        help="Also write an HTML page with the confidence interval over time. Needs a NAME if there are several.",
        show_default="none",
    ),
]


@experiment.command()
def ls(as_json: AsJson = False, home: Home = None) -> None:
    """List the declared experiments, and which of them have ended. Needs no running stack."""
    from headrace.experiments.result_table import listed_as_json, print_list

    file = _file(home)
    declared, ended = list(file.all()), file.ended()
    if as_json:
        print(json.dumps(listed_as_json(declared, ended), indent=2))
    else:
        print_list(declared, ended, Console(soft_wrap=True))


@experiment.command()
def status(
    name: MaybeName = None,
    page: Page = None,
    as_json: AsJson = False,
    home: Home = None,
    port_offset: PortOffset = None,
) -> None:
    """Show the result of experiments so far.

    The confidence interval holds at every moment: looking often does not make a wrong decision more likely.

    Example: `headrace experiment status personal-list --page lists.html`
    """
    from connectors.endpoints import Endpoints
    from headrace.experiments.from_topics import from_topics
    from headrace.experiments.page import page as page_of
    from headrace.experiments.result import result
    from headrace.experiments.result_table import as_json as json_of
    from headrace.experiments.result_table import print_result
    from schemas.experiment import BadExperiments
    from stack.layout import Layout

    layout = Layout.of(home, port_offset)
    file = _file(home)
    chosen = [_one(file, name)] if name else list(file.all())
    ended = file.ended()
    if not chosen:
        raise BadExperiments(f"{file.declared} declares no experiment. For an example see docs/how-to/experiments.md")
    if page is not None and len(chosen) > 1:
        raise typer.BadParameter(f"name one of {', '.join(each.name for each in chosen)}", param_hint="--page")
    outcomes, unreadable = from_topics(Endpoints.load(layout.settings).kafka, chosen)
    results = [result(each, ended.get(each.experiment.name)) for each in outcomes]
    if page is not None:
        page.write_text(page_of(results[0]))
    if as_json:
        print(json.dumps({"experiments": [json_of(each) for each in results], "unreadable": unreadable}, indent=2))
        return
    console = Console(soft_wrap=True)
    for each in results:
        print_result(each, console)
    if unreadable:
        console.print(f"{unreadable:,} records of exposures or interactions cannot be read")


@experiment.command()
def stop(name: Name, home: Home = None) -> None:
    """End an experiment without a winner: its users get the list that all other users get."""
    from connectors.experiments_file import Ended

    file = _file(home)
    file.end(_one(file, name).name, Ended(at_ms=time.time_ns() // 1_000_000))
    print(f"{name} is stopped")


@experiment.command()
def promote(name: Name, arm: Arm, home: Home = None) -> None:
    """End an experiment and give all users the list of one of its arms.

    Users of another experiment that is still running keep the list of that experiment.

    Example: `headrace experiment promote personal-list treatment`
    """
    from connectors.experiments_file import Ended
    from schemas.experiment import CONTROL, TREATMENT

    if arm not in (CONTROL, TREATMENT):
        raise typer.BadParameter(f"{arm!r} is neither {CONTROL} nor {TREATMENT}", param_hint="ARM")
    file = _file(home)
    found = _one(file, name)
    file.end(name, Ended(at_ms=time.time_ns() // 1_000_000, list=found.arm(arm).list))
    print(f"{name} is stopped; all users are shown the {found.arm(arm).list} list")


def _file(home: Path | None) -> "ExperimentsFile":
    from connectors.experiments_file import ExperimentsFile
    from stack.layout import Layout

    return ExperimentsFile(Layout.of(home).home)


def _one(file: "ExperimentsFile", name: str) -> "Experiment":
    found = {each.name: each for each in file.all()}
    if name not in found:
        raise typer.BadParameter(f"{file.declared} declares {', '.join(found) or 'nothing'}, and not {name}")
    return found[name]
