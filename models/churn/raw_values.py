"""Raw values of one column, as JSON or a database gives them, to what the graph takes.

A number takes numbers, true and false as 1 and 0, and text that is a number in the column's notation; it refuses other
text, lists, objects, and what is beyond ±1e30. A category takes text, and whole numbers, true and false as their text;
it refuses lists, objects and other numbers. None, NaN and blank text are missing: refused where the training had
nothing missing. NA and its like are missing in a number, and words in a category.
A category that the training had not seen is taken.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from models.churn.contract import MISSING, UNKNOWN_CODE, Column
from models.churn.number_text import is_missing_number, number_of

BLANKS = frozenset({"", "na", "n/a", "nan", "null", "none", "?", "#n/a"})
"""Lower case, stripped: what was missing in any column for models up to 0.1 (`Column.missing_words`)."""

LARGEST = 1e30
"""Numbers beyond are refused: their squares leave float32."""


class _Absent:
    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = _Absent()
"""In the place of a value whose key a row does not have: refused, where None is a blank."""

NO_TEXT: Final = np.array([[""]], object)
"""What the graph gets as a category's text where it gets its code: one row that it does not look at."""

Places = Mapping[str, int]
"""Each category's place among those of its column: its code."""

_BYTES = 256


@dataclass
class Tensor:
    """What the graph takes; refused rows hold the reference value.

    `values`: float32 numbers of shape `(n, 1)`, or int32 codes of categories of shape `(n,)`.
    `refusals`: why, by row. `unknown`: how many categories the training had not seen.
    """

    values: npt.NDArray[Any]
    refusals: dict[int, str] = field(default_factory=dict)
    unknown: int = 0


def places_of(column: Column) -> Places:
    """The index of each category, as `tensor` looks them up."""
    return {category: place for place, category in enumerate(column.categories)}


def tensor(column: Column, places: Places, values: Sequence[Any]) -> Tensor:
    """The column's tensor of these raw values. `places`: of its categories (`places_of`)."""
    return _numbers(column, values) if column.kind == "number" else _categories(column, places, values)


def _numbers(column: Column, values: Sequence[Any]) -> Tensor:
    if not {int, float, type(None)}.issuperset(map(type, values)):
        return _numbers_one_by_one(column, values)
    try:
        numbers = np.array(values, np.float64)
    except OverflowError:
        return _numbers_one_by_one(column, values)
    usable = np.abs(numbers) <= LARGEST
    if not usable.all() and not (column.nullable and (usable | np.isnan(numbers)).all()):
        return _numbers_one_by_one(column, values)
    return Tensor(numbers.astype(np.float32).reshape(-1, 1))


def _numbers_one_by_one(column: Column, values: Sequence[Any]) -> Tensor:
    made = Tensor(np.full((len(values), 1), column.reference, np.float32))
    for row, value in enumerate(values):
        try:
            made.values[row, 0] = _number(column, value)
        except ValueError as refusal:
            made.refusals[row] = str(refusal)
    return made


def _number(column: Column, value: Any) -> float:
    if is_missing_number(value) if isinstance(value, str) else _is_nothing(value):
        _require_nullable(column)
        return math.nan
    if value is ABSENT:
        raise ValueError(f"column {column.name} is missing")
    if not isinstance(value, int | float | str | Decimal):
        raise ValueError(f"{column.name} is a number and not {type(value).__name__}")
    try:
        number = number_of(value, column.notation) if isinstance(value, str) else float(value)
    except (ValueError, OverflowError):
        raise ValueError(f"{column.name} is a number and not {value!r:.40}") from None
    if not abs(number) <= LARGEST:
        raise ValueError(f"{column.name} is beyond {LARGEST:g}")
    return number


def _categories(column: Column, places: Places, values: Sequence[Any]) -> Tensor:
    try:
        codes = map(places.__getitem__, values)
        if len(places) <= _BYTES:  # the quickest way from a dict to an array
            return Tensor(np.frombuffer(bytes(codes), np.uint8))
        return Tensor(np.fromiter(codes, np.int32, len(values)))
    except (KeyError, TypeError):  # a list has no hash
        return _categories_one_by_one(column, places, values)


def _categories_one_by_one(column: Column, places: Places, values: Sequence[Any]) -> Tensor:
    made = Tensor(np.full(len(values), places[str(column.reference)], np.int32))
    for row, value in enumerate(values):
        try:
            made.values[row] = code = places.get(_category(column, value), UNKNOWN_CODE)
            made.unknown += code == UNKNOWN_CODE
        except ValueError as refusal:
            made.refusals[row] = str(refusal)
    return made


def _category(column: Column, value: Any) -> str:
    if _is_blank(value, column.missing_words):
        _require_nullable(column)
        return MISSING
    if value is ABSENT:
        raise ValueError(f"column {column.name} is missing")
    if isinstance(value, bool):
        return _as_trained(column, str(value).lower())
    if isinstance(value, int | str):
        return str(value).strip()
    raise ValueError(f"{column.name} is text and not {type(value).__name__}")


def _as_trained(column: Column, boolean: str) -> str:
    """A table may have written true as True or TRUE."""
    return next((category for category in column.categories if category.lower() == boolean), boolean)


def _is_blank(value: Any, words: bool) -> bool:
    """Of a category."""
    if isinstance(value, str):
        return value.strip().lower() in BLANKS if words else not value.strip()
    return _is_nothing(value)


def _is_nothing(value: Any) -> bool:
    return value is None or (isinstance(value, float | Decimal) and math.isnan(value))


def _require_nullable(column: Column) -> None:
    if not column.nullable:
        raise ValueError(f"{column.name} is missing, and never was in training")
