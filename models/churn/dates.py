"""Columns of dates: text of any usual form, and numbers that count days or seconds."""

import re
from collections import Counter

import pandas as pd

from models.churn.column_names import tokens, word_set
from models.churn.number_text import is_missing_number
from models.churn.numbers import NUMBER_SHARE

DATE_SHARE = 0.5
"""From this share of its filled cells on a column of text is one of dates; the others say `never` or `unknown`."""
MAX_LENGTH = 40

_TIME = r"(?:[T ,]+\d{1,2}[:.h]\d\d(?:[:.]\d\d(?:[.,]\d+)?)?\s*(?:[AaPp]\.?[Mm]\.?)?\s*(?:Z|UTC|GMT|[+-]\d\d:?\d\d)?)?"
_YEAR_FIRST = re.compile(rf"(\d{{4}})[-/.](\d{{1,2}})(?:[-/.](\d{{1,2}}))?{_TIME}", re.ASCII)
_YEAR_LAST = re.compile(rf"(\d{{1,2}})([./-])\s?(\d{{1,2}})\2\s?(\d{{4}}|\d\d){_TIME}", re.ASCII)
_DIGITS = re.compile(r"(\d{4})(\d\d)(\d\d)(?:\.0)?", re.ASCII)
_MONTHS = (
    "jan|feb|fév|fev|mar|mär|mrz|maa|mrt|apr|abr|avr|may|mai|maj|mei|maggio|mag|jun|jui|giu|jul|lug|aug|aoû|aou|ago|"
    "sep|set|oct|okt|out|ott|nov|dec|dez|déc|dic|ene|gen"
)
_DAY_NAME = r"(?:[^\W\d_]{2,10}\.?,?\s+)?"
_DAY = r"\d{1,2}(?:st|nd|rd|th|\.|er)?"
_MONTH = rf"(?:{_MONTHS})[^\W\d_]{{0,7}}\.?"
_SEPARATOR = r"(?:[ ./-]+(?:de )?|\. )"
_YEAR = r"(?:1[89]|2[01])\d\d"
_WITH_MONTH = re.compile(
    rf"{_DAY_NAME}{_DAY}{_SEPARATOR}{_MONTH}[ ,./'-]+(?:de )?(?:{_YEAR}|\d\d){_TIME}"
    rf"|{_DAY_NAME}{_MONTH}[ .-]+{_DAY},?[ -]+{_YEAR}{_TIME}"
    rf"|{_MONTH}[ ,./-]+(?:de )?{_YEAR}|(?:{_MONTHS})[-']\d\d"
    rf"|{_YEAR}[ ./-]+{_MONTH}(?:[ ./-]+\d{{1,2}})?",
    re.IGNORECASE,
)
_TIME_NAMES = word_set(
    """
    date datum dates time timestamp ts datetime created updated modified joined since seit epoch start begin end
    expiry expires signup registered fecha
    """
)
_SECONDS = 946_684_800, 2_051_222_400
"""2000 to 2035: an epoch outside is taken for a number."""


def are_dates(cells: pd.Series) -> bool:
    """Whether most of the filled cells of a column of text are dates."""
    counts = Counter(cell for cell in cells if not is_missing_number(cell))
    return sum(n for cell, n in counts.items() if is_date(cell)) > DATE_SHARE * counts.total()


def is_date(cell: str) -> bool:
    """Whether the text is a date, with or without a time: 2024-03-01, 1.3.24, 03/01/2024, 1 Mar 2024, March 2024."""
    if len(cell) > MAX_LENGTH:
        return False
    if found := _YEAR_FIRST.fullmatch(cell):
        is_day = _is_day(int(found[3] or 1), int(found[2])) and 1800 <= int(found[1]) <= 2200
        return is_day or found[1] == "0000"
    if found := _YEAR_LAST.fullmatch(cell):
        return _is_day(int(found[1]), int(found[3])) or _is_day(int(found[3]), int(found[1]))
    return _WITH_MONTH.fullmatch(cell) is not None


def _is_day(day: int, month: int) -> bool:
    return 1 <= day <= 31 and 1 <= month <= 12


def are_numeric_dates(cells: pd.Series, numbers: pd.Series) -> bool:
    """Whether whole numbers are dates: 20240301, or s, ms, us or ns since 1970.

    Ten digits are seconds only if the column's name says so: an account's number may have as many.
    """
    filled = numbers.dropna()
    if not len(filled) or (filled % 1 != 0).any():
        return False
    days = [_DIGITS.fullmatch(cell) for cell in set(cells) if not is_missing_number(cell)]
    if all(found and 1900 <= int(found[1]) <= 2100 and _is_day(int(found[3]), int(found[2])) for found in days):
        return True
    units = [1, 1_000, 1_000_000, 1_000_000_000][0 if tokens(str(cells.name)) & _TIME_NAMES else 1 :]
    low, high = _SECONDS
    return any(filled.between(low * unit, high * unit).mean() >= NUMBER_SHARE for unit in units)
