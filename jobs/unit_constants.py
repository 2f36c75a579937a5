"""schemas/units.py as constants of SQL: a conversion costs a string search and no Python."""

from schemas.unit_conversions import CONVERSIONS
from schemas.units import METRIC_UNITS


def unit_constants() -> dict[str, str]:
    """SQL literals: unit_of_metric, a MAP; conversions, one text "|code=unit;factor;offset|..." to search in.

    One text and not a MAP of rows: the planner visits every literal many times, and 200 of them
    doubled the time to submit.
    """
    entries = "".join(f"|{code}={c.unit};{c.factor!r};{c.offset!r}" for code, c in CONVERSIONS.items())
    units = ", ".join(f"{_text(metric)}, {_text(unit)}" for metric, unit in METRIC_UNITS.items())
    return {"unit_of_metric": f"MAP[{units}]", "conversions": _text(entries + "|")}


def _text(value: str) -> str:
    """A SQL string literal."""
    return "'" + value.replace("'", "''") + "'"
