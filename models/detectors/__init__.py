"""Online anomaly detectors for many series at once: plain values, no Flink, no network."""

from models.detectors.batch import Batch, ScoredBatch
from models.detectors.catalogue import DETECTORS, Detector, detector
from models.detectors.episodes import NO_EPISODE
from models.detectors.fleet import Fleet
from models.detectors.scorer import Scorer
from models.detectors.threshold import UNREACHABLE
from models.state_codec import UnreadableState

__all__ = [
    "DETECTORS",
    "NO_EPISODE",
    "UNREACHABLE",
    "Batch",
    "Detector",
    "Fleet",
    "ScoredBatch",
    "Scorer",
    "UnreadableState",
    "detector",
]
