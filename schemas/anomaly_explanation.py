"""The sentence of an alert: what was expected, and what came."""

import math

from schemas.anomaly_kind import AnomalyKind

MAX_WRITTEN_OUT, MAX_DECIMALS = 1e15, 12
"""Beyond these a number is told with six significant digits."""


def explanation(value: float, expected_low: float, expected_high: float, kind: int) -> str | None:
    """What was expected, what came, and of which kind the alert is; None where nothing but the value is known.

    Parameters
    ----------
    value
        In the unit of the series.
    expected_low, expected_high
        As `value`; NaN where no range is known.
    kind
        Code of an `AnomalyKind`.

    Examples
    --------
    >>> explanation(41.0, 20.0987, 23.4321, AnomalyKind.SPIKE)
    'expected 20.1 to 23.43, came 41: spike'
    >>> explanation(0.0, math.nan, math.nan, AnomalyKind.STUCK), explanation(7.0, 1.0, 2.5, AnomalyKind.NONE)
    ('came 0: stuck', 'expected 1 to 2.5, came 7')
    >>> explanation(41.0, math.nan, math.nan, AnomalyKind.NONE) is None
    True
    """
    has_range = math.isfinite(expected_low) and math.isfinite(expected_high)
    if not has_range and not kind:
        return None
    width = expected_high - expected_low if has_range else math.nan
    low, high, came = (_number(number, width) for number in (expected_low, expected_high, value))
    expected = f"expected {low} to {high}, " if has_range else ""
    return f"{expected}came {came}" + (f": {AnomalyKind(kind).label}" if kind else "")


def _number(number: float, width: float) -> str:
    """As many digits as tell three significant ones of a range of `width`; six where none is known.

    >>> _number(1_000_003.25, 2.5), _number(-31.8949, 58.3), _number(0.1 + 0.2, math.nan), _number(-4e-17, 1.0)
    ('1000003.25', '-31.9', '0.3', '0')
    """
    if not 0.0 < width < math.inf or not abs(number) < MAX_WRITTEN_OUT:
        return f"{number:.6g}"
    decimals = max(0, 2 - math.floor(math.log10(width)))
    if decimals > MAX_DECIMALS:
        return f"{number:.6g}"
    text = f"{number:.{decimals}f}"
    text = text.rstrip("0").rstrip(".") if decimals else text
    return "0" if text == "-0" else text


def explanation_of_silence(silent_ms: float, usual_ms: float) -> str:
    """How long no reading has come, and how often one usually does.

    Examples
    --------
    >>> explanation_of_silence(724_000.0, 10_050.0)
    'nothing for 12.1 min, usually a reading each 10.1 s: missing'
    >>> explanation_of_silence(9e7, 6e5)
    'nothing for 25 h, usually a reading each 10 min: missing'
    """
    return f"nothing for {_duration(silent_ms)}, usually a reading each {_duration(usual_ms)}: missing"


def _duration(ms: float) -> str:
    for unit, size in (("d", 24 * 3_600_000), ("h", 3_600_000), ("min", 60_000), ("s", 1000)):
        if ms >= 2 * size:
            return f"{ms / size:.3g} {unit}"
    return f"{ms:.3g} ms"
