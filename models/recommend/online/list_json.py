"""Lists as readers of a stream get them: one JSON text each, short enough to be kept for every user."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from schemas.limits import MAX_LIST_ITEMS

MAX_BYTES = 2_500
"""Of a text. Redis takes about 150 bytes more for it, so a list stays below 3 kB whatever its items are called."""

_PARTS = 4 * MAX_LIST_ITEMS
_SMALLEST = float(np.finfo(np.float32).tiny)

DIGITS = 4
"""Behind the point; the best score of a list is 1."""

Scores = npt.NDArray[np.floating[Any]]


def best(scores: Scores) -> npt.NDArray[np.int64]:
    """Numbers of the items with the highest scores above 0, the best first; of equal ones the lower number.

    >>> best(np.array([0.1, 0.0, 0.5, 0.1]))
    array([2, 0, 3])
    """
    # Methods, and not numpy's functions of the same names: these cost as much again.
    (found,) = (scores >= (_lower_bound(scores) if len(scores) > _PARTS else _SMALLEST)).nonzero()
    order = (-scores[found]).argsort(kind="stable")
    best: npt.NDArray[np.int64] = found[order[:MAX_LIST_ITEMS]]
    return best


def _lower_bound(scores: Scores) -> float:
    """At most the score of the last of the best, and above 0: the greatest of each part of the scores tell it.

    A partition of all scores would be exact, and takes ten times as long where many are alike.
    """
    size = len(scores) // _PARTS
    greatest = np.maximum.reduce(scores[: size * _PARTS].reshape(size, _PARTS), axis=0)
    greatest.sort()
    return max(float(greatest[-MAX_LIST_ITEMS]), _SMALLEST)


def text(items: Sequence[str], scores: Scores, generated_at: int, **more: Any) -> bytes:
    """The JSON of a list, cut where it would be too long. Its last field is the time, for whoever moves it forward.

    Columns among `more` that are lists have one entry an item and are cut like `items`.

    >>> text(["a", "b"], np.array([4.0, 1.0]), 1719800000123, model_version=None)
    b'{"items":["a","b"],"scores":[1.0,0.25],"model_version":null,"generated_at":1719800000123}'
    """
    scaled = _rounded(scores / np.float64(scores[0])).tolist() if len(items) else []
    written = _json(items, scaled, generated_at, more)
    while len(written) > MAX_BYTES:
        kept = min(len(items) - 1, len(items) * MAX_BYTES // len(written))
        items, scaled = items[:kept], scaled[:kept]
        more = {name: value[:kept] if name == "why" else value for name, value in more.items()}
        written = _json(items, scaled, generated_at, more)
    return written


def _rounded(shares: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """As numpy's `round` does it, in a third of its time."""
    shares *= 10.0**DIGITS
    np.rint(shares, out=shares)
    shares /= 10.0**DIGITS
    return shares


def _json(items: Sequence[str], scores: Sequence[float], generated_at: int, more: dict[str, Any]) -> bytes:
    return orjson.dumps({"items": items, "scores": scores, **more, "generated_at": generated_at})
