"""Scores that end at 1, on a scale without an end: bits of surprise.

The surprise of a score is `-log2(1 - score)`, drawn as a straight line between whole bits. The line takes
only operations that IEEE 754 rounds one way: a logarithm differs by its last bit between CPUs and between
short and long arrays, and a replay would then not give the same bytes.
"""

import numpy as np

from models.detectors.growable_arrays import Floats

_MIN_GAP = 2.0**-60  # below the spacing of floats under 1: a score of exactly 1


def surprise_of(scores: Floats) -> Floats:
    """Bits of surprise, rising with the score; 0 at a score of 0, 60 from a score of 1 on.

    Examples
    --------
    >>> surprise_of(np.array([0.0, 0.5, 0.75, 0.875, 1.0]))
    array([ 0.,  1.,  2.,  3., 60.])
    """
    fraction, exponent = np.frexp(np.maximum(1.0 - scores, _MIN_GAP))
    surprises: Floats = 2.0 - exponent - 2.0 * fraction
    return surprises


def score_at(surprises: Floats) -> Floats:
    """The score with this surprise: the inverse of `surprise_of`.

    Examples
    --------
    >>> score_at(np.array([0.0, 1.0, 2.5]))
    array([0.    , 0.5   , 0.8125])
    """
    whole = np.floor(-surprises)
    gaps: Floats = np.ldexp(1.0 - surprises - whole, whole.astype(np.int64))
    return 1.0 - gaps
