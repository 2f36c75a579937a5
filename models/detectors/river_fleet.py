"""A fleet of River's own objects: any anomaly detector of River, one for each series."""

import importlib
import inspect
import io
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
from river import __version__ as river_version

from models.detectors.fleet import Fleet, Rows
from models.detectors.growable_arrays import Floats
from models.state_codec import State, UnreadableState, decode, encode

SEED = 42


class RiverFleet(Fleet):
    """One River estimator or pipeline a series.

    An estimator with `score_one(x)` sees the reading as its only feature, `{"value": value}`. A supervised
    one, `score_one(x, y)`, sees it as the target and has no features: there is nothing beside the value.

    The objects are pickled: they are River's, and their layout is River's to change. So the state names
    the River version that wrote it and only that version reads it. Unlike the other states, reading it can
    run code; it must come from our own checkpoints.

    Parameters
    ----------
    name
        Name in the catalogue.
    make
        Gives an estimator that has learned nothing; always the same one, or a replay would not be exact.

    Examples
    --------
    >>> fleet = RiverFleet("gaussian", estimator_factory("river.anomaly:GaussianScorer"))
    >>> fleet.grow(1)
    >>> fleet.step(np.zeros(201, np.int64), np.append(np.sin(np.arange(200)), 9.0))[-1]
    np.float64(1.0)
    """

    version = 1

    def __init__(self, name: str, make: Callable[[], Any]) -> None:
        self.name = name
        self._make = make
        self._supervised = "y" in inspect.signature(make().score_one).parameters
        self.estimators: list[Any] = []

    def __len__(self) -> int:
        return len(self.estimators)

    def grow(self, n_series: int) -> None:
        self.estimators.extend(self._make() for _ in range(n_series - len(self.estimators)))

    def reset(self, rows: Rows) -> None:
        for row in rows.tolist():
            self.estimators[row] = self._make()

    def step(self, rows: Rows, values: Floats) -> Floats:
        scores = np.empty(len(rows))
        for place, (row, value) in enumerate(zip(rows.tolist(), values.tolist(), strict=True)):
            estimator, reading = self.estimators[row], self._arguments(value)
            scores[place] = estimator.score_one(*reading)
            estimator.learn_one(*reading)
        return scores

    def learn(self, rows: Rows, values: Floats) -> None:
        for row, value in zip(rows.tolist(), values.tolist(), strict=True):
            self.estimators[row].learn_one(*self._arguments(value))

    def _arguments(self, value: float) -> tuple[Any, ...]:
        return ({}, value) if self._supervised else ({"value": value},)

    def snapshot(self, start: int = 0, end: int | None = None) -> bytes:
        pickled = np.frombuffer(pickle.dumps(self.estimators[start:end], 5), np.uint8)
        return encode(State(self.name, self.version, {"river": river_version}, {"pickle": pickled}))

    def restore(self, state: bytes, start: int = 0) -> None:
        frozen = decode(state, self.name, self.version, self.migrations)
        if frozen.values["river"] != river_version:
            raise UnreadableState(f"state is of River {frozen.values['river']}, this is {river_version}")
        try:
            # From our own checkpoint, never from a message.
            estimators = pickle.load(io.BytesIO(frozen.arrays["pickle"].tobytes()))  # noqa: S301
        except (pickle.UnpicklingError, AttributeError, ImportError, TypeError, ValueError, LookupError, EOFError) as e:
            raise UnreadableState(f"River's objects cannot be read: {e}") from e
        self.grow(start)
        self.estimators[start : start + len(estimators)] = estimators


def estimator_factory(dotted_name: str) -> Callable[[], Any]:
    """What makes the estimator named `module:Class`, with River's defaults and a fixed seed.

    Raises
    ------
    ValueError
        When there is no such class, it needs arguments, or it does not score.
    """
    module_name, _, class_name = dotted_name.partition(":")
    try:
        estimator_class = getattr(importlib.import_module(module_name), class_name)
        takes_seed = "seed" in inspect.signature(estimator_class).parameters
        make = _Seeded(estimator_class) if takes_seed else estimator_class
        make().score_one  # noqa: B018 - asks now and not at the first reading
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise ValueError(f"{dotted_name} is no River detector that can be made without arguments: {error}") from error
    return make


class _Seeded:
    """Makes estimators that draw the same numbers every time: a replay must end in the same state."""

    def __init__(self, estimator_class: Callable[..., Any]) -> None:
        self._estimator_class = estimator_class

    def __call__(self) -> Any:
        return self._estimator_class(seed=SEED)
