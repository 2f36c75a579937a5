"""`headrace churn train`: a churn model of any customer table."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from headrace.cli.options import Home
from headrace.cli.promotion import promote_or_suggest

WIDTH_IN_A_FILE = 120
COLUMNS_PANEL, TRAINING_PANEL, OUTPUT_PANEL = "Columns of the table", "Training", "Output"

Data = Annotated[
    Path,
    typer.Argument(
        metavar="DATA.csv",
        help="Table of customers: one row a customer, UTF-8, a header line; commas, semicolons, tabs or bars "
        "separate the columns.",
    ),
]
Target = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN",
        help="Column that says whether a customer left.",
        show_default="found by its name, such as churn or exited",
        rich_help_panel=COLUMNS_PANEL,
    ),
]
Positive = Annotated[
    str | None,
    typer.Option(
        metavar="VALUE",
        help="Value of the target column for customers who left.",
        show_default="found among yes, 1, true and their like",
        rich_help_panel=COLUMNS_PANEL,
    ),
]
Keep = Annotated[
    list[str] | None,
    typer.Option(
        metavar="COLUMN",
        help="Learn from this column although it looks like a leak, an identifier or a date. May be repeated.",
        show_default="none",
        rich_help_panel=COLUMNS_PANEL,
    ),
]
Drop = Annotated[
    list[str] | None,
    typer.Option(
        metavar="COLUMN",
        help="Do not learn from this column. May be repeated.",
        show_default="none",
        rich_help_panel=COLUMNS_PANEL,
    ),
]
Identifier = Annotated[
    str | None,
    typer.Option(
        "--id",
        metavar="COLUMN",
        help="Column that identifies the customer.",
        show_default="found by its name and values",
        rich_help_panel=COLUMNS_PANEL,
    ),
]
Groups = Annotated[
    list[str] | None,
    typer.Option(
        metavar="COLUMN",
        help="Compare error rates between the values of this column in the report. May be repeated.",
        show_default="none",
        rich_help_panel=COLUMNS_PANEL,
    ),
]
Config = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.toml",
        help="File of training settings, also of those without an option (docs/how-to/churn.md). Options override it.",
        show_default="none",
        rich_help_panel=TRAINING_PANEL,
    ),
]
Models = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        metavar="NAME",
        help="Kind of model to try: `logistic`, `forest`, `boosting` or `lightgbm`. May be repeated.",
        show_default="all four",
        rich_help_panel=TRAINING_PANEL,
    ),
]
Trials = Annotated[
    int | None,
    typer.Option(
        metavar="NUMBER",
        help="Sets of parameters that each kind of model tries, at least 1. More take longer in proportion.",
        show_default="8",
        rich_help_panel=TRAINING_PANEL,
    ),
]
MissCost = Annotated[
    float | None,
    typer.Option(
        metavar="NUMBER",
        help="Cost of not flagging a customer who leaves. Only its ratio to `--false-alarm-cost` matters.",
        show_default="5",
        rich_help_panel=TRAINING_PANEL,
    ),
]
FalseAlarmCost = Annotated[
    float | None,
    typer.Option(
        metavar="NUMBER",
        help="Cost of flagging a customer who stays.",
        show_default="1",
        rich_help_panel=TRAINING_PANEL,
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(
        metavar="NUMBER",
        help="Seed of everything random: the same seed and table give the same model.",
        show_default="7",
        rich_help_panel=TRAINING_PANEL,
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option(
        metavar="NUMBER",
        help="Folds of the cross-validation that are trained at the same time, each in a process of its own.",
        show_default="number of cores",
        rich_help_panel=TRAINING_PANEL,
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Folder that the model is written to, besides the registry.",
        show_default="registry only",
        rich_help_panel=OUTPUT_PANEL,
    ),
]
SchemaOnly = Annotated[
    bool,
    typer.Option(
        "--schema-only",
        help="Print how each column would be used, and stop before training.",
        rich_help_panel=OUTPUT_PANEL,
    ),
]
Promote = Annotated[
    bool,
    typer.Option(
        "--promote", help="Make the new version champion: running jobs score with it.", rich_help_panel=OUTPUT_PANEL
    ),
]


def train(
    data: Data,
    target: Target = None,
    positive: Positive = None,
    config: Config = None,
    keep: Keep = None,
    drop: Drop = None,
    identifier: Identifier = None,
    models: Models = None,
    trials: Trials = None,
    miss_cost: MissCost = None,
    false_alarm_cost: FalseAlarmCost = None,
    group_by: Groups = None,
    seed: Seed = None,
    jobs: Jobs = None,
    out: Out = None,
    schema_only: SchemaOnly = False,
    promote: Promote = False,
    home: Home = None,
) -> None:
    """Train, validate and export a churn model, and register it as challenger.

    Prints how each column is used, and how well each kind of model does on customers that it did not learn from.

    Example: `headrace churn train customers.csv --target Churn --promote`
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
    from headrace.churn.training_figures import print_outcome, print_schema
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
    promote_or_suggest(store, version, promote, console)
