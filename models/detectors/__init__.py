"""Online anomaly detectors for many series at once: plain values, no Flink, no network."""

from models.detectors.batch import Batch, MissingSeries, ScoredBatch
from models.detectors.catalogue import DEFAULT, DETECTORS, Detector, detector
from models.detectors.decision import ALERTS_PER_WEEK, NO_EPISODE
from models.detectors.fleet import Fleet
from models.detectors.scorer import Scorer
from models.detectors.verdicts import Verdict
from models.state_codec import UnreadableState

__all__ = [
    "ALERTS_PER_WEEK",
    "DEFAULT",
    "DETECTORS",
    "NO_EPISODE",
    "Batch",
    "Detector",
    "Fleet",
    "MissingSeries",
    "ScoredBatch",
    "Scorer",
    "UnreadableState",
    "Verdict",
    "detector",
]
