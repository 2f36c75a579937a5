"""The detectors by name. Whatever is registered here gets the generic checks of `tests/unit/models`."""

from collections.abc import Callable
from dataclasses import dataclass

from river import anomaly, compose, preprocessing

from models.detectors.fleet import Fleet
from models.detectors.gaussian import GaussianFleet
from models.detectors.half_space_trees import HalfSpaceTreesFleet
from models.detectors.novelty.fleet import NAME, NoveltyFleet
from models.detectors.river_fleet import RiverFleet, estimator_factory

RIVER_PREFIX = "river:"


@dataclass(frozen=True)
class Detector:
    """How to make a fleet, and what its scores mean to the decision.

    Parameters
    ----------
    make_fleet
        Gives an empty fleet.
    is_calibrated
        Whether its scores are surprises in decades; others go through a `Calibration` first.
    grace
        Readings of a series before its scores mean anything; of a detector that is not calibrated.
    bounded
        Whether the scores end at 1; of a detector that is not calibrated.
    base, usual_excess
        What `Decision` expects of a series before it knows it.
    """

    make_fleet: Callable[[], Fleet]
    is_calibrated: bool = False
    grace: int = 0
    bounded: bool = False
    base: float = 2.0
    usual_excess: float = 0.2


def _river_half_space_trees() -> compose.Pipeline:
    trees = anomaly.HalfSpaceTrees(n_trees=10, height=8, window_size=250, seed=42)
    return compose.Pipeline(preprocessing.MinMaxScaler(), trees)


DEFAULT = NAME

# The usual excesses are those of synthetic series without anomalies (bench/alert_rate.py).
DETECTORS: dict[str, Detector] = {
    DEFAULT: Detector(NoveltyFleet, is_calibrated=True, base=0.9, usual_excess=0.07),
    "half-space-trees": Detector(HalfSpaceTreesFleet, grace=250, bounded=True),
    "river-half-space-trees": Detector(
        lambda: RiverFleet("river-half-space-trees", _river_half_space_trees), grace=250, bounded=True
    ),
    "gaussian": Detector(GaussianFleet, grace=100, bounded=True),
}


def detector(name: str) -> Detector:
    """The detector of that name: one of `DETECTORS`, or `river:<module>:<class>` for any other of River.

    Raises
    ------
    ValueError
        When there is none; the message lists the names.

    Examples
    --------
    >>> detector("half-space-trees").make_fleet().name
    'half-space-trees'
    >>> detector("river:anomaly:StandardAbsoluteDeviation").make_fleet().name
    'river:anomaly:StandardAbsoluteDeviation'
    """
    if name in DETECTORS:
        return DETECTORS[name]
    if name.startswith(RIVER_PREFIX):
        return _any_of_river(name)
    raise ValueError(f"no detector {name!r}; there are {', '.join(DETECTORS)} and river:<module>:<class>")


def _any_of_river(name: str) -> Detector:
    make = estimator_factory("river." + name.removeprefix(RIVER_PREFIX))
    return Detector(lambda: RiverFleet(name, make), grace=250)
