"""Series in CSV files, and the windows in which a person saw an anomaly."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from models.detectors.growable_arrays import Floats, Integers
from schemas.errors import TerminalError

LABEL_FILES = ("labels/combined_windows.json", "labels.json")
LAYOUT = f"data/GROUP/NAME.csv with the columns timestamp and value, and {LABEL_FILES[0]}"

_SHOWN = 3


class UnusableSeries(TerminalError):
    """A folder without labelled series, or a file of it that cannot be read."""


@dataclass(frozen=True)
class LabelledSeries:
    """One series.

    Parameters
    ----------
    name
        Path below the folder of the data.
    times
        Shape `(n,)`, in ms since the epoch, in the order of the file.
    values
        Shape `(n,)`, finite.
    windows
        Places of the first and the last reading of each labelled window, in order, without overlap. A window without a
        reading has its last place before its first.
    n_refused
        Rows without a finite value, which are left out.
    """

    name: str
    times: Integers
    values: Floats
    windows: tuple[tuple[int, int], ...]
    n_refused: int = 0

    def __len__(self) -> int:
        return len(self.values)

    @property
    def group(self) -> str:
        """The folder that it is in; empty for a file that is in none."""
        return self.name.rpartition("/")[0]

    def without_first(self, n: int) -> "LabelledSeries":
        """The same without its first `n` readings and the windows among these."""
        windows = tuple((max(first - n, 0), last - n) for first, last in self.windows if max(first, last) >= n)
        return replace(self, times=self.times[n:], values=self.values[n:], windows=windows)

    def days(self, scored_from: int) -> float:
        """Days from the first reading that is scored to the last one."""
        return float(np.ptp(self.times[scored_from:])) / 86_400_000 if len(self) > scored_from else 0.0


def read_folder(folder: Path, labels: Path | None = None) -> list[LabelledSeries]:
    """The labelled series of a folder, in the order of their names.

    Parameters
    ----------
    folder
        Has the CSV files below `data`, or below itself.
    labels
        JSON: by the path of each file, a list of windows, each a list of its first and its last timestamp. By default
        one of `LABEL_FILES` in the folder.

    Raises
    ------
    UnusableSeries
        When there are no labels or no files, a file has no labels, or something cannot be read.
    """
    root = folder / "data" if (folder / "data").is_dir() else folder
    windows = _read_labels(folder, labels)
    names = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.csv"))
    if not names:
        raise UnusableSeries(f"{root} has no CSV files. Wanted:  {LAYOUT}")
    if unlabelled := [name for name in names if name not in windows]:
        more = f" and {len(unlabelled) - _SHOWN} more" if len(unlabelled) > _SHOWN else ""
        raise UnusableSeries(
            f"The labels do not name {', '.join(unlabelled[:_SHOWN])}{more}. "
            "Give a file without anomalies an empty list."
        )
    return [_read(root / name, name, windows[name]) for name in names]


def _read_labels(folder: Path, labels: Path | None) -> dict[str, list[list[str]]]:
    candidates = [labels] if labels else [folder / name for name in LABEL_FILES]
    path = next((path for path in candidates if path.is_file()), None)
    if path is None:
        raise UnusableSeries(f"There is no {' and no '.join(map(str, candidates))}. Wanted:  {LAYOUT}")
    try:
        found: dict[str, list[list[str]]] = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise UnusableSeries(f"{path} is no JSON: {error}") from error
    pairs = isinstance(found, dict) and all(
        isinstance(windows, list) and all(isinstance(window, list) and len(window) == 2 for window in windows)
        for windows in found.values()
    )
    if not pairs:
        raise UnusableSeries(f"{path} is not of the form  {{FILE: [[FIRST TIMESTAMP, LAST TIMESTAMP], ...]}}")
    return found


def _read(path: Path, name: str, windows: list[list[str]]) -> LabelledSeries:
    try:
        table = pd.read_csv(path, usecols=["timestamp", "value"])
        times = _ms(table["timestamp"])
        values = pd.to_numeric(table["value"]).to_numpy(np.float64)
        limits = [tuple(_ms(pd.Series(window)).tolist()) for window in windows]
    except (ValueError, OSError) as error:
        raise UnusableSeries(f"{path} or its labels cannot be read: {error}. Timestamps are ISO 8601.") from error
    finite = np.isfinite(values)
    if not finite.any():
        raise UnusableSeries(f"{path} has no reading with a finite value. Remove it, and its labels.")
    times = times[finite]
    places = tuple(_places(times, first, last) for first, last in _joined(limits))
    return LabelledSeries(name, times, values[finite], places, int((~finite).sum()))


def _ms(texts: Any) -> Integers:
    moments = pd.to_datetime(texts.astype(str), format="ISO8601", utc=True).dt.tz_localize(None)
    return np.asarray(moments.to_numpy("datetime64[ms]").astype(np.int64))


def _joined(windows: Iterable[tuple[int, ...]]) -> list[tuple[int, int]]:
    """In order; those that overlap are one."""
    joined: list[tuple[int, int]] = []
    for first, last in sorted(windows):
        if joined and first <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(last, joined[-1][1])
        else:
            joined.append((first, last))
    return joined


def _places(times: Integers, first: int, last: int) -> tuple[int, int]:
    inside = np.flatnonzero((times >= first) & (times <= last))
    if len(inside):
        return int(inside[0]), int(inside[-1])
    place = int((times < first).sum())
    return place, place - 1
