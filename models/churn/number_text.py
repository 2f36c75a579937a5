"""Numbers as people write them: plain, or with a decimal comma, separators of thousands, brackets and a unit.

The training finds one notation for a whole column (`models.churn.numbers`) and keeps it in the contract. Files and
the stream are read by that notation, with the same function, `number_of`.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Literal

from pydantic import BaseModel, ConfigDict

from models.churn.column_names import word_set

MISSING_WORDS = frozenset(
    {
        *("", "na", "n/a", "n.a.", "nan", "<na>", "nat", "null", "none", "nil", "\\n", "?", ".", "-", "--", "–", "—"),
        *("#n/a", "#na", "#null!", "#value!", "#div/0!", "#ref!"),
    }
)
"""Lower case, stripped: what stands for no number in a column of numbers. In a column of text these are words."""

MAX_LENGTH = 60
"""Characters of a number. Longer text is not looked at, so that its cost does not depend on its length."""

CURRENCIES = word_set(
    """
    AED ARS AUD BGN BRL CAD CHF CLP CNY COP CZK DKK EGP EUR GBP HKD HUF IDR ILS INR ISK JPY KRW MXN MYR NGN NOK
    NZD PEN PHP PKR PLN RON RSD RUB SAR SEK SGD THB TRY TWD UAH USD VND ZAR A$ C$ R$ US$ HK$ NZ$ S$ Fr. Ft kr kr.
    Kč lei Rs Rs. zł euro euros dollar dollars
    """
)
GLUED_UNITS = word_set(
    """
    h hr hrs d min s ms mo mon yr yrs y kg g km kB KB MB GB TB kWh pct x
    """
)
"""What may follow a number without a space. Another letter there makes a code of it, such as 5G or 12a."""

_SPACES = " \u00a0\u2009\u202f"
_MINUS = "\\-\u2212"
_BODY = rf"(?:[0-9][0-9.,'’{_SPACES}]*[0-9]|[0-9]|[.,][0-9]+)"
_SHAPE = re.compile(
    rf"(?P<sign>[+{_MINUS}])?\s*(?P<prefix>[^0-9\s.,'’()+{_MINUS}][^0-9\s,'’()+{_MINUS}]*)?\s*(?P<sign_after>[{_MINUS}])?\s*"
    rf"(?P<body>{_BODY})(?P<suffix>\s*[^0-9\s.,'’()+{_MINUS}][^0-9()]*)?(?P<sign_at_end>[{_MINUS}])?"
)
_THOUSANDS = {
    ".": re.compile(
        rf"[1-9][0-9]{{0,2}}(?:([,'’{_SPACES}])[0-9]{{3}})(?:\1[0-9]{{3}})*|[1-9][0-9]?(?:,[0-9][0-9])+,[0-9]{{3}}"
    ),
    ",": re.compile(rf"[1-9][0-9]{{0,2}}(?:([.'’{_SPACES}])[0-9]{{3}})(?:\1[0-9]{{3}})*"),
}


_BRACKETS = re.compile(r"([^()0-9]*)\(([^()]*[0-9][^()]*)\)([^()0-9]*)")
"""Accountants write (12.50) for -12.50."""


class Notation(BaseModel):
    """How a column writes its numbers.

    Parameters
    ----------
    decimal
        Before the fraction. The other one of point and comma, spaces and apostrophes separate thousands.
    units
        Spellings of the column's one unit, such as `$`, `%`, or `month` and `months`. A number without it counts
        as one with it, and 45% is 45.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    decimal: Literal[".", ","] = "."
    units: tuple[str, ...] = ()


def is_missing_number(text: str) -> bool:
    """Whether the text stands for no number."""
    return text.strip().lower() in MISSING_WORDS


def number_of(text: str, notation: Notation | None = None) -> float:
    """The number that the text is; without a notation as Python and JSON write it.

    Raises
    ------
    ValueError
        It is none, or of another notation or unit.
    """
    if notation is None:
        return _plain(text)
    split = split_number(text)
    if split is None or (split[2] and split[2] not in notation.units):
        raise ValueError(f"{text!r:.40} is no number of this column")
    value = value_of(split[1], notation.decimal)
    if value is None:
        raise ValueError(f"{text!r:.40} is no number with the decimal sign {notation.decimal!r}")
    return split[0] * value


def _plain(text: str) -> float:
    if not text.isascii() or "_" in text:  # Python's own: 1_000, and digits of any script
        raise ValueError(f"{text!r:.40} is no number")
    return float(text)


def is_plain(text: str) -> bool:
    """Whether the text is a number without a notation."""
    try:
        _plain(text)
    except ValueError:
        return False
    return True


@lru_cache(1 << 12)
def split_number(text: str) -> tuple[int, str, str] | None:
    """Sign, digits with their separators, and unit; None if the text is no number of any notation."""
    stripped = text.strip()
    if len(stripped) > MAX_LENGTH:
        return None
    brackets = _BRACKETS.fullmatch(stripped)
    shape = _SHAPE.fullmatch("".join(brackets.groups()) if brackets else stripped)
    if shape is None:
        return None
    in_brackets = brackets is not None
    signs = [shape[name] for name in ("sign", "sign_after", "sign_at_end") if shape[name]]
    prefix, suffix = shape["prefix"] or "", shape["suffix"] or ""
    if len(signs) + in_brackets > 1 or not (_is_prefix(prefix) and _is_suffix(suffix)):
        return None
    sign = -1 if in_brackets or (signs and signs[0] != "+") else 1
    return sign, shape["body"], f"{prefix} {suffix.strip()}".strip()


def value_of(body: str, decimal: str) -> float | None:
    """Digits with their separators as a number, if they are one with this decimal sign."""
    whole, point, fraction = body.partition(decimal)
    if point and not fraction.isdecimal():
        return None
    if not (whole.isdecimal() or (point and not whole)):
        if _THOUSANDS[decimal].fullmatch(whole) is None:
            return None
        whole = re.sub(r"\D", "", whole)
    return float(f"{whole or '0'}.{fraction or '0'}")


def _is_prefix(text: str) -> bool:
    return not text or text == "%" or _is_currency(text)


def _is_suffix(suffix: str) -> bool:
    text = suffix.strip()
    if not text or text[0] in "%‰°" or text in GLUED_UNITS or _is_currency(text.split("/")[0].strip()):
        return True
    return suffix[0].isspace() and text[0].isalpha()


def _is_currency(text: str) -> bool:
    if not text:
        return False
    return text in CURRENCIES or text.upper() in CURRENCIES or all(unicodedata.category(sign) == "Sc" for sign in text)


def is_word(unit: str) -> bool:
    """Whether the unit is a word: months, and neither % nor EUR."""
    return any(sign.isalpha() for sign in unit) and not _is_currency(unit)


def is_one_unit(units: set[str]) -> bool:
    """Whether these are spellings of one unit: the same, or the same word with another ending (month, months)."""
    shortest = min(units, key=len)
    if len(units) == 1:
        return True
    if len(shortest) < 2 or not shortest[-1].isalpha():
        return False
    return all(unit.startswith(shortest) and len(unit) <= len(shortest) + 2 for unit in units)
