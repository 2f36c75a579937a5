"""River's bare loop, beside the job that it is compared with."""

from collections.abc import Callable
from multiprocessing.sharedctypes import Synchronized
from typing import Any

from bench.reference_process import ReferenceProcess
from models.detectors.growable_arrays import Floats

COUNTED_EVERY = 500


class RiverReference(ReferenceProcess):
    """Runs inside the block. One model a series, all of them past their first window of `warm_up` readings.

    Parameters
    ----------
    make_model
        Gives one of River's estimators.
    values
        Readings, one of each series in turn, again and again.
    """

    def __init__(self, make_model: Callable[[], Any], values: Floats, series: int, warm_up: int = 300) -> None:
        super().__init__(_loop, make_model, values, series, warm_up)


def _loop(
    make_model: Callable[[], Any], values: Floats, series: int, warm_up: int, counted: "Synchronized[int]"
) -> None:
    models = [make_model() for _ in range(series)]
    readings = [{"value": value} for value in values.tolist()]
    for number, reading in enumerate(readings[: warm_up * series]):
        models[number % series].learn_one(reading)
    while True:
        for number, reading in enumerate(readings):
            model = models[number % series]
            model.score_one(reading)
            model.learn_one(reading)
            if number % COUNTED_EVERY == 0:
                counted.value += COUNTED_EVERY
