"""Whether users came to the arms in the declared ratio: where not, something is broken and no result can be trusted.

As the confidence sequence it may be looked at any time: Lindon and Malek, "Anytime-valid inference for multinomial
count data" (NeurIPS 2022). The evidence is a Bayes factor, of a Dirichlet prior around the declared shares against the
shares themselves; under the declared shares it ever exceeds 1/alpha with probability alpha at most.
"""

from collections.abc import Mapping
from math import exp, lgamma, log

CONCENTRATION = 100.0
"""Of the prior: a mismatch of some percent is what one looks for."""


def mismatch_p(users: Mapping[str, int], shares: Mapping[str, float]) -> float:
    """The p-value of the counts so far; the smallest of all looks so far is valid at any time.

    Raises
    ------
    ValueError
        An arm that was not declared.
    """
    if unknown := users.keys() - shares.keys():
        raise ValueError(f"no share is declared for {sorted(unknown)}")
    total = sum(users.values())
    declared = sum(shares.values())
    log_factor = lgamma(CONCENTRATION) - lgamma(CONCENTRATION + total)
    for arm, share in shares.items():
        n, prior = users.get(arm, 0), CONCENTRATION * share / declared
        log_factor += lgamma(prior + n) - lgamma(prior) - n * log(share / declared)
    return min(1.0, exp(-log_factor)) if log_factor > 0 else 1.0
