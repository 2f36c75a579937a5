"""What follows a training: the new version becomes champion, or the command that promotes it is printed."""

from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:  # it imports the registry, which takes a second
    from headrace.model_store.store import ModelStore

NEXT = {"churn": " Score a file:  headrace churn predict FILE.csv --out SCORES.csv"}
"""After a promotion, by the model's name."""


def promote_or_suggest(store: "ModelStore", version: str, promote: bool, console: Console) -> None:
    """Champion or challenger, and what to do next."""
    if promote:
        store.promote(version)
        console.print(f"{version} is champion.{NEXT.get(store.name, '')}")
    else:
        console.print(f"{version} is challenger. Use it:  headrace model promote {version} --name {store.name}")
