"""Reasons in words. Most are said again and again, so they are kept, by a whole number that stands for them."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from models.churn.contract import Contract

_VALUE_FROM = 28


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a row's risk is what it is: `points` of a hundred that this value adds to it, negative if it takes away.

    `json`: as `schemas.churn_score.ChurnReason` has it, written once.
    """

    column: str
    value: str
    points: float
    words: str
    json: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        fields = {"column": self.column, "points": self.points, "words": self.words}
        object.__setattr__(self, "json", orjson.dumps(fields))


class ReasonTexts(dict[int, Reason]):
    """Of one model, so many at most.

    The key, from the left: 32 bits of the value, column, points + 128, whether it raises the risk. The value's bits
    are the float32 of a number or the code of a category. What differs most stands to the right, where a dict looks
    first.
    """

    def __init__(self, contract: Contract, most: int = 1 << 16) -> None:
        super().__init__()
        self._most = most
        by_name = {column.name: column for column in contract.columns}
        self._columns = [by_name[name] for name in contract.reasons.columns]

    def of(
        self,
        values: Sequence[npt.NDArray[Any]],
        columns: npt.NDArray[np.int64],
        points: npt.NDArray[np.float64],
        contributions: npt.NDArray[np.float32],
    ) -> list[tuple[Reason, ...]]:
        """Each row's reasons; one that contributes nothing is left out.

        `values`: of each column, as `raw_values.Tensor` has them. The others have shape `(n, n_reasons)`.
        """
        n, k = columns.shape
        bits = np.empty((len(values), n), np.int32)
        for row, each in zip(bits, values, strict=True):
            row[:] = each[:, 0].view(np.int32) if each.dtype == np.float32 else each
        chosen = bits[columns, np.arange(n)[:, None]].astype(np.int64) & 0xFFFFFFFF
        keys = chosen << _VALUE_FROM | columns << 9 | points.astype(np.int64) + 128 << 1 | (contributions > 0)
        made = map(self.__getitem__, keys.ravel().tolist())
        reasons = list(zip(*[made] * k, strict=True))
        if not contributions.all():
            reasons = [tuple(compress(each, c)) for each, c in zip(reasons, contributions.tolist(), strict=True)]
        return reasons

    def __missing__(self, key: int) -> Reason:
        if len(self) >= self._most:
            self.clear()
        reason = self[key] = self._reason_of(key)
        return reason

    def _reason_of(self, key: int) -> Reason:
        bits, rest = key >> _VALUE_FROM, key & (1 << _VALUE_FROM) - 1
        column = self._columns[rest >> 9]
        if column.kind == "number":
            (number,) = struct.unpack("f", struct.pack("I", bits))
            shown = "" if number != number else f"{number:g}"
        else:  # an unknown category, whose code is no place, contributes nothing and is not told
            shown = column.categories[bits] if bits < len(column.categories) else ""
        return _reason(column.name, shown, float((rest >> 1 & 0xFF) - 128), bool(rest & 1))


def _reason(column: str, shown: str, points: float, raises: bool) -> Reason:
    size = f"{abs(points):.0f} point{'' if abs(points) == 1 else 's'}" if points else "less than a point"
    words = f"{column} is {shown or 'missing'}: {'raises' if raises else 'lowers'} the risk by {size}"
    return Reason(column, shown, points, words)
