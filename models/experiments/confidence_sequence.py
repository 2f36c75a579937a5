"""The difference of two arms with an interval that holds at all times at once.

An interval of a t-test holds for one look. Who looks at it daily and stops when it leaves zero is wrong in far more
than 5 % of all cases. A confidence sequence holds for all looks together: the true difference is in every one of its
intervals with probability 1 - alpha, however often one looks and whenever one stops.

This is the asymptotic one of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform central limit theory and
asymptotic confidence sequences" (Annals of Statistics, 2024), Theorem 2.2, over the unbiased estimate of each user's
effect: `(outcome - mean of its arm so far) / share of its arm`, with the sign of the arm, plus the difference of the
means so far. The means are those of the users before, so a user's estimate has the true difference as its expectation.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

BEGINS_WITH = 100
"""Users before the first interval: the theorem is about large numbers."""
SEEN_IN_EACH = 5
"""Successes, and failures, that each arm must have had before the first interval: a rate of which nothing was seen has
a variance of zero."""
PRECISE_AT = 2_000
"""Users at which the interval is as narrow as this kind gets; it holds before and after."""


@dataclass(frozen=True)
class Interval:
    """After so many users of both arms. Before the first interval `low` and `high` are infinite."""

    users: int
    difference: float
    low: float
    high: float

    @property
    def decides(self) -> bool:
        """Whether zero is outside."""
        return self.low > 0 or self.high < 0


class ConfidenceSequence:
    """Takes one user after another, in the order in which they entered.

    Parameters
    ----------
    share
        Of users that are given the treatment, among those of both arms; as declared, not as it came out.
    alpha
        Probability that the true difference is ever outside.
    """

    def __init__(self, share: float, alpha: float = 0.05) -> None:
        if not 0 < share < 1 or not 0 < alpha < 1:
            raise ValueError(f"share and alpha lie between 0 and 1, and not at {share} and {alpha}")
        self._share, self._alpha = share, alpha
        self._rho_squared = _rho_squared(alpha)
        self._users = [0, 0]
        self._sums = [0.0, 0.0]
        self._n = 0
        self._mean = 0.0
        self._scatter = 0.0
        self._low, self._high = -math.inf, math.inf

    def take(self, treated: bool, outcome: float) -> None:
        """One user's outcome, of 0 to 1."""
        control, treatment = self._mean_of(0), self._mean_of(1)
        weight = 1 / self._share if treated else -1 / (1 - self._share)
        effect = treatment - control + weight * (outcome - (treatment if treated else control))
        self._n += 1
        step = effect - self._mean
        self._mean += step / self._n
        self._scatter += step * (effect - self._mean)
        self._users[treated] += 1
        self._sums[treated] += outcome
        self._narrow()

    @property
    def interval(self) -> Interval:
        """As of now: what all intervals so far have in common, since all of them hold at once."""
        return Interval(self._n, self._mean, self._low, self._high)

    def _mean_of(self, arm: int) -> float:
        # Half a success among one user more: a first guess that any number of users outweighs.
        return (self._sums[arm] + 0.5) / (self._users[arm] + 1)

    def _narrow(self) -> None:
        if self._n < BEGINS_WITH or not all(map(self._has_both, (0, 1))):
            return
        half = self._half_width()
        self._low, self._high = max(self._low, self._mean - half), min(self._high, self._mean + half)

    def _has_both(self, arm: int) -> bool:
        successes = self._sums[arm]
        return successes >= SEEN_IN_EACH and self._users[arm] - successes >= SEEN_IN_EACH

    def _half_width(self) -> float:
        n, rho_squared = self._n, self._rho_squared
        variance = self._scatter / (n - 1)
        a = n * rho_squared + 1
        return math.sqrt(variance * 2 * a / (n * n * rho_squared) * math.log(math.sqrt(a) / self._alpha))


def intervals(outcomes: Iterable[tuple[bool, float]], share: float, alpha: float = 0.05) -> list[Interval]:
    """The interval after each user."""
    sequence = ConfidenceSequence(share, alpha)
    found = []
    for treated, outcome in outcomes:
        sequence.take(treated, outcome)
        found.append(sequence.interval)
    return found


def _rho_squared(alpha: float) -> float:
    """The parameter of the mixture whose boundary is narrowest at PRECISE_AT users (same paper, appendix B.2)."""
    return (-2 * math.log(alpha) + math.log(-2 * math.log(alpha) + 1)) / PRECISE_AT
