"""The scores of a file as a CSV file: a row for each reading, in their order."""

import csv
import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from headrace.scoring.alert_lines import iso_times
from headrace.scoring.file_scorer import ScoredReadings
from headrace.scoring.outputs import writing
from models.detectors.growable_arrays import Floats
from models.detectors.series_index import SeriesKey
from schemas.anomaly_kind import AnomalyKind

COLUMNS = ("value", "score", "threshold", "expected_low", "expected_high", "is_anomaly", "kind")
_KINDS = {kind.value: kind.label if kind else "" for kind in AnomalyKind}


class ScoreTable:
    """Writes the table; only when all is written does it have its name.

    Numbers have as many digits as tell them from their neighbours, so that a reader gets the very same ones. A cell
    is empty where there is none: the score and threshold of a series that is too young, its range, the kind outside
    of an episode.
    """

    def __init__(self, path: Path, has_devices: bool, has_metrics: bool) -> None:
        self._path, self._has_devices, self._has_metrics = path, has_devices, has_metrics
        self._partial = path.with_name(f".{path.name}.{os.getpid()}.part")

    def __enter__(self) -> Self:
        with writing(self._path):
            self._file = self._partial.open("w", encoding="utf-8", newline="")
        self._writer = csv.writer(self._file, lineterminator="\n")
        named = ["device"] * self._has_devices + ["metric"] * self._has_metrics
        self._writer.writerow(["time", *named, *COLUMNS])
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            with writing(self._path):
                self._file.close()  # writes what is left
                if kind is None:
                    self._partial.replace(self._path)
        finally:
            self._partial.unlink(missing_ok=True)

    def write(self, scored: ScoredReadings, keys: Sequence[SeriesKey]) -> None:
        """A row for each reading."""
        said, series = scored.said, scored.series.tolist()
        columns: list[list[Any]] = [iso_times(scored.times)]
        if self._has_devices:
            columns.append([keys[each][0] for each in series])
        if self._has_metrics:
            columns.append([keys[each][1] for each in series])
        columns.append(scored.values.tolist())
        columns += map(_known, (said.scores, said.thresholds, said.expected_low, said.expected_high))
        columns.append(["true" if each else "false" for each in said.is_anomaly.tolist()])
        columns.append([_KINDS[each] for each in said.kinds.tolist()])
        with writing(self._path):
            self._writer.writerows(zip(*columns, strict=True))


def _known(numbers: Floats) -> list[float | str]:
    """An infinite one as the job writes it (jobs/operators/score_records.py): JSON has none."""
    numbers = np.nan_to_num(numbers, nan=np.nan)
    return ["" if is_unknown else each for each, is_unknown in zip(numbers.tolist(), np.isnan(numbers), strict=True)]
