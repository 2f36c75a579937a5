"""River's detectors as every peer runs them; imported by the programs beside it, in their own environments."""

from typing import Any

from river import anomaly, preprocessing

SNAPSHOT_EVERY_S = 5.0
"""As often as Headrace takes its checkpoints, and Quix Streams its own by default."""


def make(detector: str) -> Any:
    """One model of one series that has learned nothing."""
    if detector == "gaussian":
        return anomaly.GaussianScorer()
    return preprocessing.MinMaxScaler() | anomaly.HalfSpaceTrees(n_trees=10, height=8, window_size=250, seed=42)


def score_and_learn(model: Any, value: float) -> float:
    """The score of a reading, before it is learned."""
    reading = ({}, value) if isinstance(model, anomaly.GaussianScorer) else ({"value": value},)
    score: float = model.score_one(*reading)
    model.learn_one(*reading)
    return score
