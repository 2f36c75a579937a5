"""Logarithms that are the same on every machine.

The C library's differ by their last bit between processors, and a replay on another machine would then not give the
same bytes. These take only operations that IEEE 754 rounds one way.
"""

import math

from models.detectors.compiled import compiled

LN_2 = 0.6931471805599453
LOG10_E = 0.4342944819032518
_SQRT_HALF = 0.7071067811865476


@compiled
def ln(x: float) -> float:
    """The natural logarithm of a positive number, to about 1e-13.

    Examples
    --------
    >>> round(ln(10.0), 12), ln(1.0)
    (2.302585092994, 0.0)
    """
    mantissa, exponent = math.frexp(x)
    if mantissa < _SQRT_HALF:
        mantissa *= 2.0
        exponent -= 1
    t = (mantissa - 1.0) / (mantissa + 1.0)
    s = t * t
    series = 1 / 3 + s * (1 / 5 + s * (1 / 7 + s * (1 / 9 + s * (1 / 11 + s * (1 / 13 + s * (1 / 15))))))
    return exponent * LN_2 + 2.0 * t * (1.0 + s * series)


@compiled
def asinh(x: float) -> float:
    """The inverse hyperbolic sine; finite for every finite number.

    Examples
    --------
    >>> round(asinh(1.0), 12), asinh(-2.0) == -asinh(2.0), round(asinh(1e300), 6)
    (0.88137358702, True, 691.468675)
    """
    size = abs(x)
    magnitude = ln(size) + LN_2 if size > 1e8 else ln(size + math.sqrt(size * size + 1.0))
    return magnitude if x >= 0.0 else -magnitude


@compiled
def exp(x: float) -> float:
    """The exponential of a number between -700 and 700, to about 1e-15 of it.

    Examples
    --------
    >>> round(exp(1.0), 12), exp(0.0)
    (2.718281828459, 1.0)
    """
    x = min(700.0, max(-700.0, x))
    halvings = math.floor(x / LN_2 + 0.5)
    rest = x - halvings * LN_2
    term, total = 1.0, 1.0
    for k in range(1, 15):
        term = term * rest / k
        total += term
    return math.ldexp(total, int(halvings))
