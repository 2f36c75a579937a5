"""The readings of a file through one Scorer, as `score_anomalies` scores them: in their order, each identity once."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from headrace.errors import UnusableFile
from headrace.scoring.file_readings import FileReadings, LeftOut, ReadingsFile, Reason
from headrace.scoring.times_seen import MAX_SERIES, TimesSeen
from models.detectors import Batch, ScoredBatch, Scorer
from models.detectors.growable_arrays import Flags, Floats, Integers
from models.detectors.series_index import SeriesKey


@dataclass(frozen=True)
class ScoredReadings:
    """Readings and what was said of them; columns of one length, in the order of the file.

    Parameters
    ----------
    series
        Places in `FileScorer.keys`.
    times
        In ms since the epoch.
    said
        Its `index` counts up.
    """

    series: Integers
    times: Integers
    values: Floats
    said: ScoredBatch

    def __len__(self) -> int:
        return len(self.series)

    @property
    def is_alert(self) -> Flags:
        """Whether an episode begins with the reading."""
        flags: Flags = self.said.is_anomaly & (self.said.episodes == self.times)
        return flags


@dataclass
class FileScorer:
    """Scores a file. Its counts are those of the batches so far.

    Parameters
    ----------
    max_series
        Of which more would be a file whose device column names no devices.
    keys
        Device and metric of each series that had a reading.
    scored
        Readings that have a score: a series has none while it is too young.
    """

    file: ReadingsFile
    scorer: Scorer
    max_series: int
    left_out: LeftOut = field(default_factory=LeftOut)
    keys: list[SeriesKey] = field(default_factory=list)
    readings: int = 0
    scored: int = 0
    alerts: int = 0
    _numbers: dict[int, int] = field(default_factory=dict)

    def batches(self) -> Iterator[ScoredReadings]:
        """All readings of the file, scored.

        Raises
        ------
        UnusableFile
            When the file has changed or is damaged, has too many series, or has no reading.
        """
        seen = TimesSeen(self._again)
        for came in self.file.batches(self.left_out):
            series = self._series(came)
            firsts = seen.first_values(series, came.times, came.values)
            is_new = np.isnan(firsts)
            self._leave_out(came, firsts)
            if is_new.any():
                yield self._step(series[is_new], came.times[is_new], came.values[is_new])
        if not self.readings:
            raise UnusableFile(
                f"{self.file.name} has no reading: {self.left_out}. {'; '.join(self.left_out.named[:3])}"
            )

    def _step(self, series: Integers, times: Integers, values: Floats) -> ScoredReadings:
        n = len(series)
        keys = [self.keys[each] for each in series.tolist()]
        nothing = np.zeros(n, np.int64)
        offsets = np.arange(self.readings, self.readings + n)
        said = self.scorer.step(Batch(keys, times, values, nothing, offsets, nothing))
        found = ScoredReadings(series, times, values, said)
        self.readings += n
        self.scored += int(np.count_nonzero(~np.isnan(said.scores)))
        self.alerts += int(np.count_nonzero(found.is_alert))
        return found

    def _series(self, came: FileReadings) -> Integers:
        distinct, which = np.unique(came.series, return_inverse=True)
        numbers = [self._number(each) for each in distinct.tolist()]
        return np.array(numbers, np.int64)[which]

    def _number(self, series: int) -> int:
        number = self._numbers.get(series)
        if number is None:
            number = self._numbers[series] = len(self.keys)
            self.keys.append(self.file.key(series))
            if number >= min(self.max_series, MAX_SERIES):
                raise UnusableFile(
                    f"{self.file.name} has more than {number:,} series, such as {' '.join(self.keys[-1])[:80]!r}. Name "
                    "the column that tells devices apart:  --device-column"
                )
        return number

    def _again(self) -> Iterator[tuple[Integers, Integers, Floats]]:
        for came in self.file.batches(LeftOut()):
            yield self._series(came), came.times, came.values

    def _leave_out(self, came: FileReadings, firsts: Floats) -> None:
        for at in np.flatnonzero(~np.isnan(firsts)).tolist():
            device, metric = self.file.key(int(came.series[at]))
            which = f"{self.file.place} {came.places[at]}: {' '.join(filter(None, (device, metric)))[:80]!r}"
            if firsts[at] == came.values[at]:
                self.left_out.add(Reason.DUPLICATE, f"{which} has this reading already")
            else:
                second = f"{which} has {firsts[at]:g} at this time already, and here {came.values[at]:g}"
                self.left_out.add(Reason.CONFLICT, second)
