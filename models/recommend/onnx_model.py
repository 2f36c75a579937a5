"""A recommender as the stream holds it: one session, one thread, histories in, lists out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from pydantic import ValidationError

from models.onnx_session import session_of
from models.recommend.contract import RecommendContract
from models.recommend.errors import RefusedRecommender
from models.recommend.history import History

MODEL_FILE, CONTRACT_FILE = "model.onnx", "contract.json"
INPUTS, OUTPUTS = {"history", "idle_s"}, {"items", "scores", "all_scores"}


class Recommended(NamedTuple):
    """One item of a list; scores compare inside a list only."""

    item: str
    score: float


class RecommendModel:
    """Use `load`."""

    def __init__(self, contract: RecommendContract, session: Any) -> None:
        self.contract = contract
        self._session = session
        self._numbers = {name: number for number, name in enumerate(contract.items)}

    @classmethod
    def load(cls, folder: Path) -> "RecommendModel":
        """The model of a folder.

        Raises
        ------
        RefusedRecommender
            A file is missing or damaged, or graph and contract are not of each other.
        """
        try:
            contract = RecommendContract.model_validate_json((folder / CONTRACT_FILE).read_bytes())
            serialised = (folder / MODEL_FILE).read_bytes()
        except (OSError, ValidationError) as error:
            raise RefusedRecommender(f"{folder} holds no recommender: {error}") from None
        try:
            session = session_of(serialised)
        except Exception as error:  # onnxruntime's exceptions share no class but this one
            raise RefusedRecommender(
                f"{folder / MODEL_FILE} is not a graph that onnxruntime accepts: {error}"
            ) from None
        named = {each.name for each in session.get_inputs()}, {each.name for each in session.get_outputs()}
        n_items = {each.name: each.shape[-1] for each in session.get_outputs()}.get("all_scores")
        if named != (INPUTS, OUTPUTS) or n_items != len(contract.items):
            raise RefusedRecommender(f"{folder}: the graph is not that of the contract")
        return cls(contract, session)

    @property
    def version(self) -> str:
        return self.contract.version

    def choose(self, history: Sequence[str]) -> list[str]:
        """Items for a user who is there now and has this history, the oldest first; the best item first."""
        items, scores = self._session.run(["items", "scores"], padded([History(self._known(history), 0.0)]))
        names = self.contract.items
        return [names[item] for item in items[0][np.isfinite(scores[0])].tolist()]

    def recommend(self, histories: Sequence[Sequence[str]], idle_s: Sequence[float]) -> list[list[Recommended]]:
        """A list for each history of item names, the oldest first; names that the model does not know are left out.

        Parameters
        ----------
        idle_s
            Seconds since the last interaction of each; infinite where there was none.
        """
        known = [History(self._known(names), idle) for names, idle in zip(histories, idle_s, strict=True)]
        if not known:
            return []
        items, scores = self._session.run(["items", "scores"], padded(known))
        return [self._listed(*row) for row in zip(items, scores, strict=True)]

    def _known(self, names: Sequence[str]) -> Any:
        """Each once, by its last place."""
        numbers = [self._numbers[name] for name in dict.fromkeys(reversed(names)) if name in self._numbers]
        return np.array(numbers[::-1], np.int64)

    def _listed(self, items: Any, scores: Any) -> list[Recommended]:
        names = self.contract.items
        return [
            Recommended(names[item], float(score))
            for item, score in zip(items, scores, strict=True)
            if np.isfinite(score)
        ]


def padded(histories: Sequence[History]) -> dict[str, Any]:
    """The graph's inputs."""
    length = max(1, *(len(history.items) for history in histories))
    rows = np.full((len(histories), length), -1, np.int64)
    for row, history in zip(rows, histories, strict=True):
        row[length - len(history.items) :] = history.items
    return {"history": rows, "idle_s": np.array([history.idle_s for history in histories], np.float32)}
