"""What the cleaning would say about a payload, as far as it can be said without it.

The job has the last word: this is the same list of rules in Python, so that a edited payload is looked at before it is
sent. What the job refuses and this does not see comes back as a letter with one replay more.
"""

import json
import math
import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from schemas.limits import MAX_CLOCK_SKEW_MS, MAX_MESSAGE_ITEMS, MAX_NAME_LENGTH, MIN_EVENT_TIME_MS
from schemas.reject_reasons import RejectReason as Reason
from schemas.units import ACCEPTED_UNITS, METRIC_UNITS

MAX_DIGITS = 1000
MAX_EXPONENT = 2**31 - 1
MAX_PARSED_NAME = 50_000
"""Characters of a name in an object. This, the digits and the exponent are limits of the job's JSON parser."""

CANONICAL = {code: canonical for canonical, codes in ACCEPTED_UNITS.items() for code in codes}


@dataclass(frozen=True)
class Problem:
    """The first thing that is wrong, and in which item."""

    reason: Reason
    detail: str


class _NoNumber(ValueError):
    """NaN and Infinity: no JSON, and named apart from it."""


def first_problem(payload: bytes, now_ms: int) -> Problem | None:
    """None where the payload has the form of the contract (docs/reference/contracts.md)."""
    if not payload:
        return Problem(Reason.EMPTY_PAYLOAD, "no bytes")
    try:
        message = json.loads(
            payload.decode(),
            parse_constant=_refuse, parse_int=_whole, parse_float=_broken, object_pairs_hook=_object,
        )  # fmt: skip
    except UnicodeDecodeError as error:
        return Problem(Reason.INVALID_UTF8, f"byte {error.start} is no UTF-8")
    except _NoNumber as error:
        return Problem(Reason.BAD_VALUE, f"{error} is no JSON number")
    except (ValueError, RecursionError) as error:
        return Problem(Reason.NOT_JSON, str(error))
    return _of_message(message, now_ms)


def _of_message(message: Any, now_ms: int) -> Problem | None:
    if isinstance(message, list):
        return _of_array(message, now_ms)
    if not isinstance(message, dict):
        return Problem(Reason.NOT_A_READING, "neither an object nor an array")
    return _of_values(message, now_ms) if "values" in message else _of_reading(message, now_ms)


def _of_array(items: list[Any], now_ms: int) -> Problem | None:
    if not items:
        return Problem(Reason.EMPTY_ARRAY, "no items")
    if len(items) > MAX_MESSAGE_ITEMS:
        return Problem(Reason.TOO_MANY_ITEMS, f"{len(items)} items")
    for number, item in enumerate(items):
        is_object = isinstance(item, dict)
        problem = _of_reading(item, now_ms) if is_object else Problem(Reason.NOT_A_READING, "no object")
        if problem:
            return Problem(problem.reason, f"item {number}: {problem.detail}")
    return None


def _of_values(message: dict[str, Any], now_ms: int) -> Problem | None:
    values = message["values"]
    if not isinstance(values, dict) or not values:
        return Problem(Reason.NO_VALUES, "`values` has no metric")
    if len(values) > MAX_MESSAGE_ITEMS:
        return Problem(Reason.TOO_MANY_ITEMS, f"{len(values)} values")
    for metric, value in values.items():
        if isinstance(value, dict | list):
            return Problem(Reason.NESTED_VALUES, f"an object or an array in {metric[:100]!r}")
        if problem := _of_metric(metric) or _of_value(value):
            return problem
    return _of_ts(message.get("ts"), now_ms) or _of_seq(message.get("seq"))


def _of_reading(reading: dict[str, Any], now_ms: int) -> Problem | None:
    return (
        _of_metric(reading.get("metric"))
        or _of_value(reading.get("value"))
        or _of_ts(reading.get("ts"), now_ms)
        or _of_seq(reading.get("seq"))
        or _of_unit(reading.get("unit"), str(reading["metric"]))
    )


def _of_metric(metric: Any) -> Problem | None:
    if metric is None or metric == "":
        return Problem(Reason.NO_METRIC, "no metric")
    if isinstance(metric, dict | list):
        return Problem(Reason.BAD_METRIC, "an object or an array")
    name = _text(metric)
    if len(name) > MAX_NAME_LENGTH:
        return Problem(Reason.BAD_METRIC, f"{len(name)} characters")
    if "\\" in name or any(unicodedata.category(character) in ("Cc", "Cs") for character in name):
        return Problem(Reason.BAD_METRIC, f"a control character or a backslash in {name!r}")
    return None


def _of_value(value: Any) -> Problem | None:
    if value is None:
        return Problem(Reason.NO_VALUE, "no value")
    if isinstance(value, dict | list):
        return Problem(Reason.BAD_VALUE, "an object or an array")
    text = _text(value)
    if not re.fullmatch(r"[0-9eE+\-. ]+", text) or _number(text) is None:
        return Problem(Reason.BAD_VALUE, f"value: {text[:100]}")
    return None


def _of_ts(ts: Any, now_ms: int) -> Problem | None:
    if ts is None:
        return None
    ms = None if isinstance(ts, dict | list) else _number(_text(ts))
    if ms is None:
        return Problem(Reason.BAD_TS, f"ts: {str(ts)[:100]}")
    if not MIN_EVENT_TIME_MS <= ms <= now_ms + MAX_CLOCK_SKEW_MS:
        return Problem(Reason.TS_OUT_OF_RANGE, f"ts: {_text(ts)[:100]}")
    return None


def _of_seq(seq: Any) -> Problem | None:
    if seq is None or (not isinstance(seq, dict | list) and _number(_text(seq)) is not None):
        return None
    return Problem(Reason.BAD_SEQ, f"seq: {str(seq)[:100]}")


def _of_unit(unit: Any, metric: str) -> Problem | None:
    if unit is None or unit == "":
        return None
    canonical = CANONICAL.get(unit) if isinstance(unit, str) else None
    if canonical is None:
        return Problem(Reason.UNKNOWN_UNIT, f"unit: {str(unit)[:100]}")
    if METRIC_UNITS.get(metric, canonical) != canonical:
        return Problem(Reason.WRONG_UNIT, f"unit: {unit}, but {metric} is in {METRIC_UNITS[metric]}")
    return None


def _number(text: str) -> float | None:
    """A finite double, or None.

    >>> _number("21.4"), _number("1e999"), _number("noon")
    (21.4, None, None)
    """
    try:
        number = float(Decimal(text.strip()))
    except (InvalidOperation, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, bool) else str(value)


def _refuse(constant: str) -> Any:
    raise _NoNumber(constant)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of a name that stands twice the last value counts, as in the job."""
    if any(len(name) > MAX_PARSED_NAME for name, _ in pairs):
        raise ValueError(f"a name of over {MAX_PARSED_NAME} characters")
    return dict(pairs)


def _whole(digits: str) -> int:
    _require_parsable(digits)
    return int(digits)


def _broken(digits: str) -> Decimal:
    _require_parsable(digits)
    return Decimal(digits)


def _require_parsable(number: str) -> None:
    mantissa, _, exponent = number.lower().partition("e")
    if any(len(digits) > MAX_DIGITS for digits in mantissa.removeprefix("-").split(".")):
        raise ValueError(f"a number of over {MAX_DIGITS} digits")
    if len(exponent) > MAX_DIGITS or abs(int(exponent or 0)) > MAX_EXPONENT:
        raise ValueError("a number with too large an exponent")
