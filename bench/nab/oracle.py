"""Whether our scoring rule is the benchmark's: scores that it published, against the figures that it gave for them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from bench.nab.labelled_series import LabelledSeries
from bench.nab.scoring import PROFILES, marks, probation
from bench.nab.sweep import Sweep, per_reading
from models.detectors.growable_arrays import Floats
from schemas.errors import TerminalError

DETECTOR = "windowedGaussian"
FOLDERS = ("oracle", f"results/{DETECTOR}")
"""Where its scores lie, in files like those of the data: the second in a clone of the benchmark."""

GROUPS = ("artificialNoAnomaly", "artificialWithAnomaly", "realKnownCause", "realTraffic")
EXPECTED = {"standard": 30.8095, "low FP": 25.1704, "low FN": 34.2149}
"""Of the benchmark's own scorer for the 25 files of these groups, each at its best threshold."""

_TOLERANCE = 5e-5


class WrongScore(TerminalError):
    """The scoring rule does not give the published figures."""


def published_scores(folder: Path) -> Path | None:
    """The folder of the published scores; None where there is none."""
    return next((folder / name for name in FOLDERS if (folder / name).is_dir()), None)


def figures(folder: Path, series: Sequence[LabelledSeries]) -> dict[str, float]:
    """What our rule gives for the published scores in `folder`, by profile."""
    steps = []
    for each in series:
        if each.group in GROUPS:
            marked = marks(len(each), each.windows, probation(len(each)))
            steps.append(per_reading(_scores(folder, each.name), marked))
    sweep = Sweep(steps)
    return {name: float(sweep.best(profile)[1]) for name, profile in PROFILES.items()}


def _scores(folder: Path, name: str) -> Floats:
    group, _, file = name.rpartition("/")
    table = pd.read_csv(folder / group / f"{DETECTOR}_{file}", usecols=["anomaly_score"])
    return np.asarray(table["anomaly_score"].to_numpy(np.float64))


def check(folder: Path, series: Sequence[LabelledSeries]) -> str:
    """Compare, and say in one line what was compared.

    Raises
    ------
    WrongScore
        When a figure differs in its fourth decimal.
    """
    published = published_scores(folder)
    if published is None:
        return f"No published scores ({' or '.join(FOLDERS)}) beside the data: the scoring rule is not checked."
    found = figures(published, series)
    shown = ", ".join(f"{name} {found[name]:.4f} ({expected:.4f})" for name, expected in EXPECTED.items())
    if any(not abs(found[name] - expected) < _TOLERANCE for name, expected in EXPECTED.items()):
        raise WrongScore(f"The scoring rule differs from the benchmark's on {published}: {shown}. Compare the files.")
    return f"The scoring rule gives the published figures of {DETECTOR}: {shown}."
