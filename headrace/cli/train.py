"""`headrace train`: a churn model of any customer table, a recommender of any interactions."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from headrace.cli.options import Home

if TYPE_CHECKING:  # it imports the registry, which takes a second
    from headrace.model_store.store import ModelStore

WIDTH_IN_A_FILE = 120
NEXT = {"churn": " Score a file:  headrace predict churn FILE.csv --out SCORES.csv"}
"""After a promotion, by the model's name."""

train = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Train a model.")

Data = Annotated[Path, typer.Argument(metavar="DATA.csv", help="One row a customer, UTF-8, with a header line.")]
Target = Annotated[str | None, typer.Option(help="Column that says who left [the one named churn, exited, ...].")]
Positive = Annotated[str | None, typer.Option(help="Its value for those who left [yes, 1, true, ...].")]
Config = Annotated[Path | None, typer.Option(help="TOML file of settings; options go before it (docs/churn.md).")]
Keep = Annotated[
    list[str] | None,
    typer.Option(help="Column to learn from though it looks like a leak, an identifier or a date; may be repeated."),
]
Drop = Annotated[list[str] | None, typer.Option(help="Column not to learn from; may be repeated.")]
Identifier = Annotated[
    str | None,
    typer.Option("--id", metavar="COLUMN", help="Column that names the customer [found by name and values]."),
]
Models = Annotated[
    list[str] | None, typer.Option("--model", help="logistic, forest, boosting, lightgbm; may be repeated [all].")
]
Miss = Annotated[float | None, typer.Option(help="Cost of one who leaves unseen [5].")]
FalseAlarm = Annotated[float | None, typer.Option(help="Cost of one who stays and is flagged [1].")]
Group = Annotated[list[str] | None, typer.Option(help="Column to compare error rates by; may be repeated.")]


@train.callback()
def group() -> None:
    """Train a model."""


@train.command()
def churn(
    data: Data,
    target: Target = None,
    positive: Positive = None,
    config: Config = None,
    keep: Keep = None,
    drop: Drop = None,
    identifier: Identifier = None,
    models: Models = None,
    trials: Annotated[int | None, typer.Option(help="Parameters that each model tries [8].")] = None,
    miss_cost: Miss = None,
    false_alarm_cost: FalseAlarm = None,
    group_by: Group = None,
    seed: Annotated[int | None, typer.Option(help="[7]")] = None,
    jobs: Annotated[int | None, typer.Option(help="Folds at a time [as many as cores].")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the model into this folder too.")] = None,
    schema_only: Annotated[bool, typer.Option("--schema-only", help="Show the schema and train nothing.")] = False,
    promote: Annotated[bool, typer.Option("--promote", help="Make it champion: the stream scores with it.")] = False,
    home: Home = None,
) -> None:
    """Train, validate and export a churn model, and register it as challenger.

    Shows what it takes the columns for, and how well each model does on customers that it did not learn from.
    """
    from headrace.cli.training_extra import require_training_extra

    require_training_extra()
    options: dict[str, Any] = {
        "target": target, "positive": positive, "keep": keep, "drop": drop, "id": identifier, "models": models,
        "trials": trials, "groups": group_by, "seed": seed, "jobs": jobs,
    }  # fmt: skip
    _train(data, config, options, {"miss": miss_cost, "false_alarm": false_alarm_cost}, out, schema_only, promote, home)


def _train(
    data: Path,
    config: Path | None,
    options: dict[str, Any],
    costs: dict[str, float | None],
    out: Path | None,
    schema_only: bool,
    promote: bool,
    home: Path | None,
) -> None:
    from headrace.churn.printed import print_outcome, print_schema
    from headrace.churn.training_run import n_steps, require_folder, run
    from headrace.model_store.store import ModelStore
    from headrace.progress import progress
    from models.churn.settings import load_settings
    from models.churn.tables import read_table
    from models.churn.training import prepare
    from stack.layout import Layout

    console = Console(soft_wrap=True, width=None if sys.stdout.isatty() else WIDTH_IN_A_FILE)
    settings = load_settings(config, costs=costs, **options)
    prepared = prepare(read_table(data), settings)
    print_schema(prepared, console)
    if schema_only:
        return
    if out is not None:
        require_folder(out)
    store = ModelStore.of(Layout.of(home))
    words = f"{settings.folds} folds x {settings.repeats}, then all rows"
    with progress(words, n_steps(settings), Console(stderr=True, soft_wrap=True)) as advance:
        trained = run(prepared, settings, lambda: advance(1), store, out)
    print_outcome(trained, console)
    version = trained.artifact.contract.version
    _offer(store, version, promote, console)


Interactions = Annotated[
    Path, typer.Argument(metavar="INTERACTIONS.csv", help="Columns user, item, event_time; UTF-8, with a header line.")
]
ItemsFile = Annotated[Path | None, typer.Option("--items", help="CSV: column item, the others are attributes.")]
Kind = Annotated[str, typer.Option("--model", help="Model to export; docs/recommend.md names them.")]


@train.command()
def recommend(
    interactions: Interactions,
    items: ItemsFile = None,
    kind: Kind = "hybrid",
    compare: Annotated[bool, typer.Option("--compare", help="Evaluate every model, and not only popularity.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write the model into this folder too.")] = None,
    promote: Annotated[bool, typer.Option("--promote", help="Make it champion.")] = False,
    home: Home = None,
) -> None:
    """Train, evaluate and export a recommender, and register it as challenger.

    Shows how well it does beside decayed popularity, on interactions that it has not seen.
    """
    from headrace.cli.training_extra import require_training_extra

    require_training_extra()
    _train_recommender(interactions, items, kind, compare, out, promote, home)


def _train_recommender(
    interactions: Path, items: Path | None, kind: str, compare: bool, out: Path | None, promote: bool, home: Path | None
) -> None:
    from headrace.model_store.store import RECOMMEND, ModelStore
    from headrace.progress import progress
    from headrace.recommend.printed import WIDTH, print_interactions, print_outcome
    from headrace.recommend.training_run import PROTOCOLS, compared, run
    from models.recommend.catalogue import names
    from models.recommend.interactions import read_interactions, read_words
    from stack.layout import Layout

    console = Console(soft_wrap=True, width=max(Console().width, WIDTH))
    events = read_interactions(interactions)
    words = read_words(items, events.item_names) if items else None
    if kind not in names(words):
        raise typer.BadParameter(f"{kind!r} is none of: {', '.join(names(words))}", param_hint="--model")
    print_interactions(events, console)
    evaluated = compared(kind, names(words) if compare else [])
    store = ModelStore.of(Layout.of(home), RECOMMEND)
    steps = len(PROTOCOLS) * len(evaluated) + 1
    with progress("evaluations, then all interactions", steps, Console(stderr=True, soft_wrap=True)) as advance:
        trained = run(events, words, kind, evaluated, lambda: advance(1), store, out)
    print_outcome(trained, console)
    version = trained.artifact.contract.version
    _offer(store, version, promote, console)


def _offer(store: "ModelStore", version: str, promote: bool, console: Console) -> None:
    """Champion or challenger, and what to do next."""
    if promote:
        store.promote(version)
        console.print(f"{version} is champion.{NEXT.get(store.name, '')}")
    else:
        console.print(f"{version} is challenger. Use it:  headrace model promote {version} --name {store.name}")
