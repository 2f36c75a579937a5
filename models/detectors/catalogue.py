"""The detectors by name. Whatever is registered here gets the generic checks of `tests/unit/models`."""

from collections.abc import Callable
from dataclasses import dataclass

from river import anomaly, compose, preprocessing

from models.detectors.fleet import Fleet
from models.detectors.gaussian import GaussianFleet
from models.detectors.half_space_trees import HalfSpaceTreesFleet
from models.detectors.river_fleet import RiverFleet, estimator_factory

RIVER_PREFIX = "river:"


@dataclass(frozen=True)
class Detector:
    """How to make a fleet, and what its scores mean to the threshold.

    Parameters
    ----------
    make_fleet
        Gives an empty fleet.
    grace
        Readings of a series before its scores mean anything.
    bounded
        Whether the scores end at 1.
    n_deviations
        Distance of the threshold from the usual score; detectors differ in how far they lift a strange one.
    """

    make_fleet: Callable[[], Fleet]
    grace: int
    bounded: bool
    n_deviations: float


def _river_half_space_trees() -> compose.Pipeline:
    trees = anomaly.HalfSpaceTrees(n_trees=10, height=8, window_size=250, seed=42)
    return compose.Pipeline(preprocessing.MinMaxScaler(), trees)


# The distances were chosen on four synthetic kinds of series with outliers of ten deviations. gaussian found all
# of them with less than 1 false flag in 1000. Half-space trees of a single scaled feature cannot tell a new extreme
# from the edge of what they know: they found a quarter to a half at 3 to 7 in 1000, as did an ideal threshold.
DETECTORS: dict[str, Detector] = {
    "half-space-trees": Detector(HalfSpaceTreesFleet, grace=250, bounded=True, n_deviations=3.0),
    "river-half-space-trees": Detector(
        lambda: RiverFleet("river-half-space-trees", _river_half_space_trees),
        grace=250,
        bounded=True,
        n_deviations=3.0,
    ),
    "gaussian": Detector(GaussianFleet, grace=100, bounded=True, n_deviations=6.0),
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
    return Detector(lambda: RiverFleet(name, make), grace=250, bounded=False, n_deviations=6.0)
