"""How a column writes numbers: decimal point or comma, thousands separators, a unit behind each number."""

import math
import re
from dataclasses import dataclass, field

from headrace.errors import UnusableFile
from schemas.device_name import CONTROL_CHARACTERS

MAX_NUMBER_LENGTH = 100
"""Characters of a number with its unit."""

MAX_UNITS = 3
"""Different units behind numbers that are told apart: one is usable, more are named."""

GAPS = frozenset(
    ("", "-", "--", "nan", "-nan", "null", "none", "nil", "na", "n/a", "<na>", "#n/a", "#na", "nat", "missing", "?")
)
"""Words for "no value", in lower case. Such a row is passed over and counted."""

_GROUPS = " '\u2019\u00a0\u2007\u2009\u202f"
"""Thousands separators that cannot be decimal ones."""

_CELL = re.compile(
    rf"([+\-\u2212]?)([0-9.,{_GROUPS}]*[0-9][.,]?)([eE][+\-]?[0-9]{{1,4}})?[{_GROUPS}]*([^0-9.,+\-\s].*)?"
)
_CONTROL = re.compile(f"[{CONTROL_CHARACTERS}]")
_PLAIN = re.compile(r"[+\-]?[0-9]+(?:\.[0-9]+)?")
_OTHER = {".": ",", ",": "."}
_NAMES = {".": "decimal point", ",": "decimal comma"}


class _NoNumber(ValueError):
    """Why a cell cannot be used."""


@dataclass(frozen=True)
class NumberFormat:
    """How to read the cells of a column.

    Examples
    --------
    >>> NumberFormat(",").number("1.234,5"), NumberFormat(".", "°C").number("-3 °C")
    (1234.5, -3.0)
    """

    decimal: str = "."
    suffix: str = ""

    def number(self, cell: str) -> float:
        """The number in a cell.

        Raises
        ------
        ValueError
            Says why the cell cannot be used.
        """
        if self.decimal == "." and not self.suffix and len(cell) <= MAX_NUMBER_LENGTH and _PLAIN.fullmatch(cell):
            return float(cell)
        found = _CELL.fullmatch(cell) if len(cell) <= MAX_NUMBER_LENGTH else None
        if found is None:
            raise _NoNumber(f"{shown(cell)} is no number")
        sign, digits, exponent, suffix = found[1], found[2], found[3] or "", (found[4] or "").strip()
        if suffix != self.suffix:
            raise _NoNumber(f"{shown(cell)} is no number" + (f" with {self.suffix}" if self.suffix else ""))
        match = _GROUPED[self.decimal].fullmatch(digits)
        if match is None:
            raise _NoNumber(f"{shown(cell)} is no number with a {_NAMES[self.decimal]}")
        whole = "".join(filter(str.isdigit, match[1] or "0"))
        number = float(f"{sign.replace(chr(0x2212), '-')}{whole}.{match[3] or '0'}{exponent}")
        if not math.isfinite(number):
            raise _NoNumber(f"{shown(cell)} is too large")
        return number

    def __str__(self) -> str:
        return _NAMES[self.decimal] + (f", each with {self.suffix}" if self.suffix else "")


_GROUPED = {
    decimal: re.compile(
        rf"(?=.*[0-9])([0-9]+|[0-9]{{1,3}}([{re.escape(other)}{_GROUPS}])[0-9]{{3}}(?:\2[0-9]{{3}})*)?"
        rf"(?:{re.escape(decimal)}([0-9]*))?"
    )
    for decimal, other in _OTHER.items()
}


@dataclass
class NumberSurvey:
    """What all cells of a column say about how it writes numbers."""

    numbers: int = 0
    evidence: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Decimal separator -> line and cell that prove it."""
    ambiguous: tuple[int, str] | None = None
    suffixes: dict[str, int] = field(default_factory=dict)

    def add(self, line: int, cell: str) -> None:
        """Takes one cell."""
        if len(cell) > MAX_NUMBER_LENGTH:
            return
        if ("." not in cell or "." in self.evidence) and _PLAIN.fullmatch(cell):  # most cells, and nothing new
            self.numbers += 1
            self.suffixes[""] = self.suffixes.get("", 0) + 1
            return
        if is_gap(cell):
            return
        found = _CELL.fullmatch(cell)
        if found is None:
            return
        suffix = (found[4] or "").strip()
        if _CONTROL.search(suffix):
            return  # no unit, and not readable in a message
        self.numbers += 1
        if suffix in self.suffixes or len(self.suffixes) <= MAX_UNITS:
            self.suffixes[suffix] = self.suffixes.get(suffix, 0) + 1
        decimal = _decimal(found[2], bool(found[3]))
        if decimal in _OTHER:
            self.evidence.setdefault(decimal, (line, cell))
        elif decimal and self.ambiguous is None:
            self.ambiguous = line, cell

    def format(self, name: str, decimal: str | None = None) -> NumberFormat:
        """The one way that all cells allow, or the one that is given.

        Raises
        ------
        UnusableFile
            When `1.234` may be 1.234 or 1234, or some cells have a decimal comma and others a point.
        """
        return NumberFormat(decimal or self._decimal(name), self._suffix())

    def _decimal(self, name: str) -> str:
        if len(self.evidence) == 2:
            (point_line, point), (comma_line, comma) = self.evidence["."], self.evidence[","]
            raise UnusableFile(
                f"{name}: {shown(point)} (line {point_line}) has a decimal point, {shown(comma)} (line {comma_line}) a "
                "decimal comma. Write all numbers one way, or say which one holds:  --decimal"
            )
        if self.evidence:
            return next(iter(self.evidence))
        if self.ambiguous is not None:
            line, cell = self.ambiguous
            raise UnusableFile(
                f"{name}, line {line}: {shown(cell)} may have a decimal or a thousands separator, and no other number "
                "tells. Say what separates decimals:  --decimal point, or --decimal comma"
            )
        return "."

    def _suffix(self) -> str:
        return max(self.suffixes, key=lambda each: self.suffixes[each], default="")


def is_gap(cell: str) -> bool:
    """Whether a cell says that there is no value."""
    return not cell or cell.lower() in GAPS


def shown(cell: str) -> str:
    """A cell in a message: short, and with control characters escaped."""
    return repr(cell if len(cell) <= 40 else f"{cell[:40]}…")


def _decimal(digits: str, has_exponent: bool) -> str | None:
    """A point or a comma where it is certain, "?" where it may be either, None where there is neither."""
    points, commas = digits.count("."), digits.count(",")
    if points and commas:
        return max(".,", key=digits.rfind)
    if not points and not commas:
        return None
    separator = "." if points else ","
    if points + commas > 1:
        return _OTHER[separator]  # 1.234.567
    whole, _, fraction = digits.partition(separator)
    if len(fraction) != 3 or has_exponent or len(whole) > 3 or whole in ("", "0") or whole.startswith("0"):
        return separator
    return "?" if whole.isdigit() else separator
