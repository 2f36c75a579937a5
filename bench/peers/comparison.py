"""What a kill did to a stream of scores: each against the same stream without the kill."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Score = float | None
"""None: the series is still too young."""


@dataclass(frozen=True)
class Damage:
    """Lost: readings without a score. Doubled: scores too many. Wrong: scores that differ from the expected one."""

    lost: int
    doubled: int
    wrong: int


def damage(expected: Sequence[Score], found: Iterable[tuple[int, Score]]) -> Damage:
    """Compare scores with those of an undisturbed stream.

    Parameters
    ----------
    expected
        Score of each reading, by its number.
    found
        Number and score of everything that was written, in any order. Numbers beyond `expected` are an error.

    Examples
    --------
    >>> damage([None, 0.5, 0.7], [(0, None), (1, 0.5), (1, 0.4)])
    Damage(lost=1, doubled=1, wrong=1)
    """
    copies, wrong = bytearray(len(expected)), 0
    total = 0
    for number, score in found:
        total += 1
        copies[number] = 1
        wrong += score != expected[number]
    seen = sum(copies)
    return Damage(lost=len(expected) - seen, doubled=total - seen, wrong=wrong)
