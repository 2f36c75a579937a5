"""One training from interactions to a registered recommender."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from headrace.model_store.store import RECOMMEND, ModelStore
from models.recommend.artifact import Artifact, export, fingerprint
from models.recommend.catalogue import RECOMMENDERS, Words
from models.recommend.evaluation.intervals import mean
from models.recommend.evaluation.lists import Lists
from models.recommend.evaluation.protocols import (
    learn_all,
    leave_last_out,
    prequential,
    time_split,
    time_split_next,
)
from models.recommend.interactions import Interactions
from models.recommend.popularity import DecayedPopularity
from models.registry import Registered

PROTOCOLS = (prequential, leave_last_out, time_split, time_split_next)
Figures = dict[str, float]
Evaluation = dict[str, dict[str, Figures]]
"""By protocol and model."""


@dataclass(frozen=True)
class Trained:
    """What came of it."""

    evaluation: Evaluation
    artifact: Artifact
    registered: Registered


def compared(kind: str, others: list[str]) -> list[str]:
    """The models to evaluate: popularity always, the chosen one last."""
    return [name for name in dict.fromkeys([DecayedPopularity.name, *others]) if name != kind] + [kind]


def run(
    events: Interactions,
    words: Words,
    kind: str,
    evaluated: list[str],
    progress: Callable[[], None],
    store: ModelStore,
    out: Path | None,
) -> Trained:
    """Evaluate the models, train one of them on everything, export, register; `out`: a folder to write into too."""
    n_items = len(events.item_names)
    evaluation: Evaluation = {}
    for protocol in PROTOCOLS:
        for name in evaluated:
            lists = protocol(RECOMMENDERS[name](n_items, words), events)
            evaluation.setdefault(protocol.__name__, {})[name] = _figures(lists)
            progress()
    model = RECOMMENDERS[kind](n_items, words)
    learn_all(model, events)
    with TemporaryDirectory() as temporary:
        artifact = export(model, events, evaluation, out or Path(temporary) / "model", _version(events))
        registered = _register(store, artifact, evaluation)
    progress()
    return Trained(evaluation, artifact, registered)


def _figures(lists: Lists) -> Figures:
    """Without those that nothing was asked for, as cold users where there are none."""
    if not lists.users:
        return {"lists": 0}
    cold_users, cold_items = np.array(lists.cold_users), np.array(lists.cold_items)
    figures = lists.figures() | {"lists": len(lists.users)}
    for name in ("recall", "ndcg"):
        _, figures[f"{name}_low"], figures[f"{name}_high"] = mean(lists, name)
        figures[f"{name}_cold_users"] = lists.where(cold_users)[name]
        figures[f"{name}_cold_items"] = lists.where(cold_items)[name]
    return {name: figure for name, figure in figures.items() if not math.isnan(figure)}


def _version(events: Interactions) -> str:
    """The time and the interactions: sorted by name is sorted by age."""
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{fingerprint(events)[:6]}"


def _register(store: ModelStore, artifact: Artifact, evaluation: Evaluation) -> Registered:
    kind = artifact.contract.kind
    figures = {f"{protocol}_{key}": value for protocol, of in evaluation.items() for key, value in of[kind].items()}
    gate = {f"gate_{name}": float(value) for name, value in artifact.gate.as_json().items()}
    return store.registry.register(RECOMMEND, artifact.folder, artifact.contract.version, figures | gate)
