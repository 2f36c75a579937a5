"""What a training of a recommender shows."""

from rich.console import Console
from rich.table import Table

from headrace.recommend.training_run import Figures, Trained
from models.recommend.interactions import Interactions

WIDTH = 140
"""Of the tables: a figure that is cut off says nothing."""

IN_WORDS = {
    "prequential": "each interaction predicted, then learned",
    "leave_last_out": "the last of each user",
    "time_split": "one list a user at 80 % of the interactions, for all after it",
    "time_split_next": "each next item after 80 %, the model standing still",
}


def print_interactions(events: Interactions, console: Console) -> None:
    """What is learned from."""
    counts = f"{len(events):,} interactions of {len(events.user_names):,} users with {len(events.item_names):,} items"
    console.print(counts, highlight=False)


def print_outcome(trained: Trained, console: Console) -> None:
    """Figures of every model by every protocol, then of the export."""
    for protocol, of_models in trained.evaluation.items():
        console.print(f"\n{protocol.replace('_', ' ')}: {IN_WORDS[protocol]}", highlight=False)
        console.print(_table(of_models))
    gate = trained.artifact.gate
    console.print(
        f"\nGraph and model agree on {gate.histories:,} histories; largest difference {gate.largest_difference:.1e}",
        highlight=False,
    )


def _table(of_models: dict[str, Figures]) -> Table:
    columns = ("model", "recall@10", "NDCG@10", "HR", "MRR", "cold users", "cold items", "coverage", "novelty", "bias")
    table = Table(*columns, box=None, header_style="bold")
    for name, figures in of_models.items():
        if figures["lists"]:
            intervals = [_with_interval(figures, key) for key in ("recall", "ndcg")]
            rest = ("hr", "mrr", "ndcg_cold_users", "ndcg_cold_items", "coverage", "novelty_bits", "popularity_bias")
            table.add_row(name, *intervals, *[f"{figures[key]:.4g}" if key in figures else "" for key in rest])
    return table


def _with_interval(figures: Figures, key: str) -> str:
    return f"{figures[key]:.4f} ({figures[f'{key}_low']:.4f} to {figures[f'{key}_high']:.4f})"
