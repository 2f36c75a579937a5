"""The gate of the export: the graph must score and list as the model does."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from models.recommend.errors import ExportDiffers
from models.recommend.history import SESSION_S, History, Items
from models.recommend.onnx_model import padded
from models.recommend.recommender import Floats, Recommender

MAX_DIFFERENCE = 1e-4
"""Of a score, as a share of the model's largest: float32 sums in another order."""

MAX_REAL, N_RANDOM = 500, 200
BATCH = 50


@dataclass(frozen=True)
class GateFigures:
    """What the comparison found."""

    histories: int
    largest_difference: float

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def pass_gate(model: Recommender, session: Any, real: Sequence[History], seed: int) -> GateFigures:
    """The figures of a graph that scores as the model does.

    Raises
    ------
    ExportDiffers
        A score differs by more than MAX_DIFFERENCE, or a list holds an item of its history or lacks a better
        one; the message shows the history.
    """
    histories = gate_histories(model.n_items, real, seed)
    largest = 0.0
    for begin in range(0, len(histories), BATCH):
        batch = histories[begin : begin + BATCH]
        items, scores, all_scores = session.run(["items", "scores", "all_scores"], padded(batch))
        for history, row in zip(batch, zip(items, scores, all_scores, strict=True), strict=True):
            largest = max(largest, _difference(model, history, *row))
    return GateFigures(len(histories), largest)


def _difference(model: Recommender, history: History, items: Items, scores: Floats, all_scores: Floats) -> float:
    exact, exported = _scaled(model.score(history)), _scaled(all_scores)
    difference = float(np.max(np.abs(exact - exported)))
    left = np.delete(exact, history.items)
    listed = items[np.isfinite(scores)]
    best = np.sort(left)[::-1][: len(items)]
    wrong = (
        not difference <= MAX_DIFFERENCE
        or len(listed) != len(best)
        or np.isin(listed, history.items).any()
        or (np.abs(exact[listed] - best) > MAX_DIFFERENCE).any()
    )
    if wrong:
        raise ExportDiffers(
            f"The exported graph differs by {difference:.2g} on the history {history.items.tolist()} "
            f"(idle {history.idle_s:g} s), or lists other items: {listed.tolist()}"
        )
    return difference


def _scaled(scores: Floats) -> Floats:
    wide = np.asarray(scores, np.float64)
    return wide / max(float(np.abs(wide).max()), 1e-300)


def gate_histories(n_items: int, real: Sequence[History], seed: int) -> list[History]:
    """Those of users, and random ones of every length: none, one, almost all and all items; active and returned."""
    rng = np.random.default_rng(seed)
    chosen = [real[place] for place in rng.permutation(len(real))[:MAX_REAL]]
    lengths = [0, 1, n_items - 1, n_items, *rng.integers(0, min(n_items, 200), N_RANDOM)]
    drawn = [rng.permutation(n_items)[:length] for length in lengths]
    idle = (0.0, SESSION_S, float(np.nextafter(np.float32(SESSION_S), np.float32(np.inf))), np.inf)
    return chosen + [History(items, idle[place % len(idle)]) for place, items in enumerate(drawn)]
