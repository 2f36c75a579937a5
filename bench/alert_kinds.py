"""Which kind an alert is said to be, against the fault that was planted.

    python -m bench.alert_kinds [series of each family]

Each series of `bench/planted_faults.py` has one fault at reading 4,000. Prints for each fault how many were found, the
kinds of their first alerts and of the last readings of those episodes, and how many alerts came in the week behind.
"""

import sys
from collections import Counter

import numpy as np

from bench.command_line import run
from bench.planted_faults import BASES, FAULTS, faulty
from models.detectors import DEFAULT, NO_EPISODE, Batch, Scorer
from schemas.anomaly_kind import AnomalyKind

AT, N, PERIOD_S = 4000, 6000, 300


def alerts_of(base: str, fault: AnomalyKind, seed: int) -> list[tuple[int, AnomalyKind, AnomalyKind]]:
    """Readings behind the fault's beginning, first and last kind of each alert from it on."""
    times, zeros = np.arange(N) * PERIOD_S * 1000, np.zeros(N, np.int64)
    values = faulty(base, fault, seed, N, AT, PERIOD_S)
    scored = Scorer(DEFAULT).step(Batch([("pump", "flow")] * N, times, values, zeros, np.arange(N), zeros))
    found = []
    for episode in np.unique(scored.episodes[scored.episodes != NO_EPISODE]).tolist():
        kinds = scored.kinds[scored.episodes == episode].tolist()
        found.append((episode // (PERIOD_S * 1000) - AT, AnomalyKind(kinds[0]), AnomalyKind(kinds[-1])))
    return [alert for alert in found if alert[0] >= 0]


def main() -> None:
    n_series = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    for fault in FAULTS:
        first, last, n_alerts = Counter[str](), Counter[str](), 0
        for base in BASES:
            for seed in range(n_series):
                alerts = alerts_of(base, fault, seed)
                n_alerts += len(alerts)
                first[alerts[0][1].label if alerts else "none"] += 1
                last[alerts[0][2].label if alerts else "none"] += 1
        total = n_series * len(BASES)
        found = total - first["none"]
        print(
            f"{fault.label:9} found {found}/{total}, {n_alerts / total:.2f} alerts; "
            f"first {_shown(first)}; last {_shown(last)}",
            flush=True,
        )


def _shown(counted: "Counter[str]") -> str:
    return ", ".join(f"{label} {count}" for label, count in counted.most_common())


if __name__ == "__main__":
    run(main)
