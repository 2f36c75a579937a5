"""Names of the series of a file: which cells of a row say whose values it holds, and what the series are called."""

from collections.abc import Sequence

from models.detectors.series_index import SeriesKey

NO_DEVICE = ""
"""Of a file whose rows name no device."""

Cells = tuple[str, ...]


def joined(cells: Sequence[str]) -> str:
    """Cells as one name, another one for each other combination.

    >>> joined(["pump/1"]), joined(["hall 2", "pump/1"])
    ('pump/1', 'hall 2/pump%2F1')
    """
    if len(cells) == 1:
        return cells[0]
    return "/".join(cell.replace("%", "%25").replace("/", "%2F") for cell in cells)


class SeriesNames:
    """Numbers for the series of a file: one for each combination of the naming cells, and each column of values.

    Parameters
    ----------
    n_devices
        How many of the naming cells name the device; the others name the metric.
    columns
        Names of the columns of values.

    Examples
    --------
    >>> names = SeriesNames(1, ["flow", "level"])
    >>> first = names.first(("pump-1",))
    >>> names.first(("pump-2",)), names.key(first + 1)
    (2, ('pump-1', 'level'))
    """

    def __init__(self, n_devices: int, columns: Sequence[str]) -> None:
        self._n_devices = n_devices
        self._columns = list(columns)
        self._cells: list[Cells] = []
        self._numbers: dict[Cells, int] = {}

    def first(self, cells: Cells) -> int:
        """The number of the series in the first column of values; the next columns have the next ones."""
        number = self._numbers.get(cells)
        if number is None:
            number = self._numbers[cells] = len(self._cells) * len(self._columns)
            self._cells.append(cells)
        return number

    def key(self, series: int) -> SeriesKey:
        """Device and metric."""
        cells, column = divmod(series, len(self._columns))
        devices, metrics = self._cells[cells][: self._n_devices], list(self._cells[cells][self._n_devices :])
        if len(self._columns) > 1 or not metrics:
            metrics.append(self._columns[column])
        return joined(devices) if devices else NO_DEVICE, joined(metrics)
