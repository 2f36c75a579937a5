"""From which probability on a customer is labelled as leaving: where the stated costs are least."""

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from models.churn.calibration import Floats, Labels


class Costs(BaseModel):
    """Of one customer who left and was not labelled, and of one who stayed and was. Any unit: only the ratio counts."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    miss: float = Field(default=5.0, gt=0)
    false_alarm: float = Field(default=1.0, gt=0)

    def of(self, labels: Labels, flagged: Labels) -> float:
        """The cost of all rows together."""
        missed, alarmed = (labels == 1) & (flagged == 0), (labels == 0) & (flagged == 1)
        return float(self.miss * missed.sum() + self.false_alarm * alarmed.sum())


def cheapest_threshold(probabilities: Floats, labels: Labels, costs: Costs) -> float:
    """The threshold of least cost on these rows, midway to the next lower probability.

    To be fed probabilities of rows that the model had not learned.

    Examples
    --------
    >>> cheapest_threshold(np.array([.1, .2, .6, .9]), np.array([0, 0, 1, 1]), Costs())
    0.4
    """
    order = np.argsort(probabilities)
    ordered, left = probabilities[order], labels[order]
    # cost[k]: the k lowest are not labelled.
    missed, spared = np.cumsum(left == 1), np.cumsum(left == 0)
    cost = np.concatenate([[0.0], costs.miss * missed - costs.false_alarm * spared])
    cut = np.concatenate([[True], ordered[1:] > ordered[:-1], [True]])  # equal probabilities share a label
    lowest = int(np.argmin(np.where(cut, cost, np.inf)))
    edges = np.concatenate([[0.0], ordered, [1.0]])
    return float((edges[lowest] + edges[lowest + 1]) / 2) if lowest else 0.0
