"""Columns of numbers that came as text: in which notation they are, and what they are."""

import re
from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.churn.number_text import (
    Notation,
    is_missing_number,
    is_one_unit,
    is_plain,
    is_word,
    number_of,
    split_number,
    value_of,
)
from models.churn.raw_values import LARGEST

Float32s = npt.NDArray[np.float32]

NUMBER_SHARE = 0.98
MAX_CATEGORIES = 60
CODE_LENGTH = 4
_PADDED = re.compile(rf"0\d{{{CODE_LENGTH - 1},}}", re.ASCII)
_GROUP_OF_THREE = re.compile(r"[1-9]\d{0,2}\.\d{3}", re.ASCII)


@dataclass(frozen=True)
class Reading:
    """What a column's filled cells are as numbers.

    Parameters
    ----------
    is_number
        Whether the column is learned as a number, in this notation; a word among the numbers is then missing.
    fault
        Why it is not, though numbers are what it seems to be, and what to do.
    """

    is_number: bool = False
    notation: Notation | None = None
    fault: str | None = None


TEXT = Reading()


def reading_of(cells: pd.Series) -> Reading:
    """One notation for the whole column, or none. Where a cell could be two numbers, the column is not read."""
    counts = Counter(cell for cell in cells if not is_missing_number(cell))
    total = counts.total()
    if not total or _is_code(counts):
        return TEXT
    plain = {cell for cell in counts if is_plain(cell)}
    plain_share = sum(counts[cell] for cell in plain) / total
    if len(plain) == len(counts):
        return _ambiguous_points(counts) or Reading(True)
    written = {cell for cell in counts if any(sign.isdigit() for sign in cell)}
    words = set(counts) - written
    if sum(counts[cell] for cell in words) <= (1 - NUMBER_SHARE) * total and all(map(split_number, written)):
        return _decorated(counts, written)
    if plain_share >= NUMBER_SHARE:
        return Reading(True)
    return _mixed(counts, plain, total)


def _is_code(counts: "Counter[str]") -> bool:
    """Digits of which some begin with zeros, as postcodes and account numbers do: their value says nothing."""
    return any(map(_PADDED.fullmatch, counts)) and all(cell.isascii() and cell.isdigit() for cell in counts)


def _ambiguous_points(counts: "Counter[str]") -> Reading | None:
    """999 and 1.234 beside each other: the point may separate thousands. With other fractions it cannot."""
    pointed = [cell for cell in counts if "." in cell]
    if len(pointed) == len(counts) or not pointed or not all(map(_GROUP_OF_THREE.fullmatch, pointed)):
        return None
    return Reading(fault=_ambiguity(pointed[0], "."))


def _ambiguity(cell: str, sign: str) -> str:
    digits = cell.replace(sign, "")
    return f"{cell!r} may be {digits} or a fraction: write it as {digits}, or with a point before the fraction"


def _decorated(counts: "Counter[str]", written: set[str]) -> Reading:
    """Of cells that are all numbers by themselves."""
    splits = {cell: split for cell in written if (split := split_number(cell)) is not None}
    units = {unit for _, body, unit in splits.values() if unit or body.strip("0.,")}  # 0 needs no unit
    units = units or {""}
    if sum(map(is_word, units)) and not is_one_unit(units - {""}):
        return TEXT  # 1 year and 6 months, 12 Oak Street: the words say more than the numbers
    if not is_one_unit(units):
        return Reading(fault=_mixed_units(counts, splits, units))
    values = {sign: {cell: value_of(body, sign) for cell, (_, body, _) in splits.items()} for sign in (".", ",")}
    fitting = [sign for sign, made in values.items() if None not in made.values()]
    if not fitting:
        return _no_convention(counts, values)
    if len(fitting) == 2:
        unclear = [cell for cell in splits if values["."][cell] != values[","][cell]]
        if unclear:
            return Reading(fault=_ambiguity(_first(counts, unclear), "," if "," in unclear[0] else "."))
    decimal = "." if fitting[0] == "." else ","
    return Reading(True, Notation(decimal=decimal, units=tuple(sorted(units - {""}))))


def _first(counts: "Counter[str]", cells: "list[str]") -> str:
    """The one of these that the column has first."""
    among = set(cells)
    return next(cell for cell in counts if cell in among)


def _mixed_units(counts: "Counter[str]", splits: dict[str, tuple[int, str, str]], units: set[str]) -> str:
    usual = Counter({unit: sum(counts[c] for c, each in splits.items() if each[2] == unit) for unit in units})
    ((most, _),) = usual.most_common(1)
    odd = _first(counts, [cell for cell, each in splits.items() if each[2] != most])
    good = _first(counts, [cell for cell, each in splits.items() if each[2] == most])
    return f"numbers with several units, such as {odd!r} beside {good!r}: write all in one, as 1234.5"


def _no_convention(counts: "Counter[str]", values: dict[str, dict[str, float | None]]) -> Reading:
    usual = max(values, key=lambda sign: sum(counts[c] for c, value in values[sign].items() if value is not None))
    odd = _first(counts, [cell for cell, value in values[usual].items() if value is None])
    rows = sum(counts[cell] for cell, value in values[usual].items() if value is None)
    if 2 * rows > sum(counts[cell] for cell in values[usual]):
        return TEXT  # phone numbers, versions, addresses of computers
    return Reading(fault=f"numbers, but {odd!r} (in {rows:,} rows) is not written as the others: write all as 1234.5")


def _mixed(counts: "Counter[str]", plain: set[str], total: int) -> Reading:
    """Numbers beside other text: few values are categories, many have a cell that the person can correct."""
    numbers = [cell for cell in counts if cell in plain or split_number(cell)]
    if len(counts) <= MAX_CATEGORIES or 2 * sum(counts[cell] for cell in numbers) <= total:
        return TEXT
    others = Counter({cell: count for cell, count in counts.items() if cell not in set(numbers)})
    ((odd, rows),) = others.most_common(1)
    if len(others) * 2 > len(numbers):  # addresses, codes: text that numbers happen to be among
        return TEXT
    return Reading(fault=f"numbers, but {odd!r:.60} (in {rows:,} rows) is none: write 1234.5, or leave the cell empty")


def parsed(cells: pd.Series, notation: Notation | None = None) -> pd.Series:
    """The finite numbers among the cells as float64; NaN for anything else."""
    values = {cell: _finite(str(cell), notation) for cell in set(cells)}
    return pd.Series([values[cell] for cell in cells], cells.index, np.float64, name=cells.name)


def _finite(text: str, notation: Notation | None) -> float:
    try:
        number = number_of(text, notation)
    except ValueError:
        return np.nan
    return number if np.isfinite(number) else np.nan


def as_float32(cells: pd.Series, notation: Notation | None = None) -> Float32s:
    """What the model sees of a number: the graph takes float32, so scikit-learn learns from float32 too."""
    numbers: npt.NDArray[np.float64] = parsed(cells, notation).to_numpy(np.float64)
    return np.clip(numbers, -LARGEST, LARGEST).astype(np.float32)
