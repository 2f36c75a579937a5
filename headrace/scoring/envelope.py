"""What a chart needs of a series of any length: lowest and highest of stretches of readings, and its alerts."""

from dataclasses import dataclass, field

import numpy as np

from headrace.scoring.file_scorer import ScoredReadings
from models.detectors.growable_arrays import Array, Floats, Integers

STRETCHES = 500
"""Of a series; up to twice as many while it grows."""

MAX_ALERTS = 1000
"""Of a series that are marked, the first ones."""

LOWEST, HIGHEST, EXPECTED_LOW, EXPECTED_HIGH = range(4)


@dataclass
class Envelope:
    """Grows with a series and stays small: when there are too many stretches, two and two become one.

    Examples
    --------
    >>> envelope = Envelope()
    >>> values = np.sin(np.arange(10_000.0))
    >>> envelope.add(np.arange(10_000), values, values - 1, values + 1, np.zeros(10_000, bool))
    >>> times, bounds = envelope.stretches()
    >>> len(times) < 2 * STRETCHES, bool(bounds[HIGHEST].max() == values.max())
    (True, True)
    """

    readings: int = 0
    alert_times: list[int] = field(default_factory=list)
    alert_values: list[float] = field(default_factory=list)
    n_alerts: int = 0
    _per_stretch: int = 1
    _times: Integers = field(default_factory=lambda: np.empty(0, np.int64))
    _bounds: Floats = field(default_factory=lambda: np.empty((4, 0)))
    _open: list[Array] = field(default_factory=list)

    def add(self, times: Integers, values: Floats, low: Floats, high: Floats, is_alert: Array) -> None:
        """More readings, shape `(n,)`; the range is NaN where none is known."""
        self.readings += len(times)
        alerts = np.flatnonzero(is_alert)
        self.n_alerts += len(alerts)
        room = alerts[: MAX_ALERTS - len(self.alert_times)]
        self.alert_times += times[room].tolist()
        self.alert_values += values[room].tolist()
        came = [times, np.array([values, values, low, high])]
        if self._open:
            came = [np.append(self._open[0], came[0]), np.concatenate([self._open[1], came[1]], axis=1)]
        while (len(self._times) + len(came[0]) // self._per_stretch) >= 2 * STRETCHES:
            self._halve()
        whole = len(came[0]) // self._per_stretch * self._per_stretch
        self._append(came[0][:whole], came[1][:, :whole])
        self._open = [came[0][whole:], came[1][:, whole:]]

    def stretches(self) -> tuple[Integers, Floats]:
        """First time of each stretch, ascending; and LOWEST, HIGHEST, EXPECTED_LOW, EXPECTED_HIGH of it, (4, n)."""
        times, bounds = self._times, self._bounds
        if self._open and len(self._open[0]):
            times = np.append(times, self._open[0][:1])
            bounds = np.concatenate([bounds, _joined(self._open[1], np.zeros(1, np.int64))], axis=1)
        order = np.argsort(times, kind="stable")
        return times[order], bounds[:, order]

    def _append(self, times: Integers, bounds: Floats) -> None:
        if len(times):
            starts = np.arange(0, len(times), self._per_stretch)
            self._times = np.append(self._times, times[starts])
            self._bounds = np.concatenate([self._bounds, _joined(bounds, starts)], axis=1)

    def _halve(self) -> None:
        """The last stretch of an odd number stays as it is: it has fewer readings, and no chart shows that."""
        self._per_stretch *= 2
        if len(self._times):
            starts = np.arange(0, len(self._times), 2)
            self._times, self._bounds = self._times[starts], _joined(self._bounds, starts)


def _joined(bounds: Floats, starts: Integers) -> Floats:
    joins = (np.fmin, np.fmax, np.fmin, np.fmax)
    return np.array([join.reduceat(row, starts) for join, row in zip(joins, bounds, strict=True)])


class Envelopes:
    """Those of the first series of a file.

    Parameters
    ----------
    most
        Series that are followed.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.of_series: list[Envelope] = []

    def add(self, scored: ScoredReadings) -> None:
        """Readings of any series."""
        order = np.argsort(scored.series, kind="stable")
        cuts = np.flatnonzero(np.diff(scored.series[order])) + 1
        said = scored.said
        low, high, is_alert = said.expected_low, said.expected_high, scored.is_alert
        for part in np.split(order, cuts):
            number = int(scored.series[part[0]])
            if number < self._most:
                self.of_series += [Envelope() for _ in range(number + 1 - len(self.of_series))]
                envelope = self.of_series[number]
                envelope.add(scored.times[part], scored.values[part], low[part], high[part], is_alert[part])
