"""How often an experiment without any difference is decided, if somebody looks after each user.

python -m bench.experiments
"""

import random

from bench.command_line import run
from bench.report import verdict
from models.experiments.confidence_sequence import ConfidenceSequence

TIMES, USERS = 1_000, 5_000
ALPHA = 0.05
SETTINGS = ((0.02, 0.5), (0.1, 0.5), (0.1, 0.2), (0.5, 0.5))
"""Rate of both arms, share of the treatment."""
BETTER = 0.05, 0.08
"""Rates of an experiment with a difference."""


def main() -> None:
    worst = 0.0
    for rate, share in SETTINGS:
        wrong = sum(_decided((rate, rate), share, seed) is not None for seed in range(TIMES)) / TIMES
        worst = max(worst, wrong)
        print(f"both arms at {rate:.0%}, {share:.0%} treated: {wrong:.1%} decided within {USERS:,} looks", flush=True)
    found = [_decided(BETTER, 0.5, seed) for seed in range(TIMES)]
    right = sorted(users for users in found if users is not None)
    middle = f"half of them by {right[len(right) // 2]:,} users" if right else "none"
    print(f"{BETTER[0]:.0%} against {BETTER[1]:.0%}: {len(right) / TIMES:.1%} decided within {USERS:,} looks, {middle}")
    print(verdict("wrong decisions", 100 * worst, "% of experiments without a difference", 100 * ALPHA, at_least=False))


def _decided(rates: tuple[float, float], share: float, seed: int) -> int | None:
    """After how many users, looking after each."""
    draw = random.Random(seed).random
    sequence = ConfidenceSequence(share, ALPHA)
    for user in range(1, USERS + 1):
        treated = draw() < share
        sequence.take(treated, float(draw() < rates[treated]))
        if sequence.interval.decides:
            return user
    return None


if __name__ == "__main__":
    run(main)
