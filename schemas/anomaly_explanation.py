"""The sentence of an alert: what was expected, and what came."""

import math

from schemas.anomaly_kind import AnomalyKind


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
    >>> explanation(41.0, 20.1, 23.4, AnomalyKind.SPIKE)
    'expected 20.1 to 23.4, came 41: spike'
    >>> explanation(0.0, math.nan, math.nan, AnomalyKind.STUCK), explanation(7.0, 1.0, 2.5, AnomalyKind.NONE)
    ('came 0: stuck', 'expected 1 to 2.5, came 7')
    >>> explanation(41.0, math.nan, math.nan, AnomalyKind.NONE) is None
    True
    """
    has_range = math.isfinite(expected_low) and math.isfinite(expected_high)
    if not has_range and not kind:
        return None
    expected = f"expected {expected_low:.6g} to {expected_high:.6g}, " if has_range else ""
    return f"{expected}came {value:.6g}" + (f": {AnomalyKind(kind).label}" if kind else "")
