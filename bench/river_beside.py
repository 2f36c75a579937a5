"""River's bare loop in a process of its own, beside what it is compared with.

The speed of a shared machine swings by half within minutes, and one after the other the two sides meet two machines.
"""

import multiprocessing
from collections.abc import Callable
from itertools import pairwise
from multiprocessing.sharedctypes import Synchronized
from types import TracebackType
from typing import Any

import numpy as np
import psutil

COUNTED_EVERY = 500


class RiverBeside:
    """Runs inside the block. One model a series, all of them past their first window of `warm_up` readings.

    Parameters
    ----------
    make_model
        Gives one of River's estimators.
    values
        Readings, one of each series in turn, again and again.
    """

    def __init__(self, make_model: Callable[[], Any], values: np.ndarray, series: int, warm_up: int = 300) -> None:
        self._counted: Synchronized[int] = multiprocessing.Value("q", 0)
        arguments = (make_model, values, series, warm_up, self._counted)
        self._process = multiprocessing.Process(target=_loop, args=arguments, daemon=True)
        self._marks: list[tuple[int, float]] = []

    def __enter__(self) -> "RiverBeside":
        self._process.start()
        self._cpu = psutil.Process(self._process.pid)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._process.terminate()
        self._process.join()

    def mark(self) -> None:
        """A window begins or ends here."""
        self._marks.append((self._counted.value, sum(self._cpu.cpu_times()[:2])))

    def costs_us(self) -> list[float]:
        """CPU microseconds a reading in each window between two marks."""
        return [
            (later_s - earlier_s) / (later - earlier) * 1e6
            for (earlier, earlier_s), (later, later_s) in pairwise(self._marks)
        ]


def _loop(
    make_model: Callable[[], Any], values: np.ndarray, series: int, warm_up: int, counted: "Synchronized[int]"
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
