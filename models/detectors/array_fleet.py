"""A fleet whose models are entries of arrays."""

from typing import Any, ClassVar

from models.detectors.fleet import Fleet, Rows
from models.detectors.growable_arrays import SeriesColumns
from models.state_codec import State, UnreadableState, decode, encode


class ArrayFleet(Fleet):
    """What every detector shares that keeps its series in columns: growing, forgetting, and state in pages.

    Parameters
    ----------
    name
        In the catalogue.
    parameters
        What the state depends on, as JSON has it: state of other parameters is refused.
    series
        What is kept of each series.
    """

    compressed: ClassVar[bool] = False
    """The state. Worth its CPU for counts, and not for floats, of which zlib takes off a tenth."""

    def __init__(self, name: str, parameters: list[Any], series: SeriesColumns) -> None:
        self.name = name
        self._parameters = parameters
        self._series = series

    def __len__(self) -> int:
        return len(self._series)

    def grow(self, n_series: int) -> None:
        self._series.grow(n_series)

    def reset(self, rows: Rows) -> None:
        self._series.reset(rows)

    def snapshot(self, start: int = 0, end: int | None = None) -> bytes:
        page = self._series.page(start, len(self) if end is None else end)
        return encode(State(self.name, self.version, {"parameters": self._parameters}, page), self.compressed)

    def restore(self, state: bytes, start: int = 0) -> None:
        frozen = decode(state, self.name, self.version, self.migrations)
        if frozen.values["parameters"] != self._parameters:
            raise UnreadableState(f"state is of {self._called(frozen.values['parameters'])}, not {self._parameters}")
        self._series.load(start, frozen.arrays)
        self._derive(start, len(self))

    def _called(self, parameters: list[Any]) -> str:
        return f"parameters {parameters}"

    def _derive(self, start: int, end: int) -> None:
        """Work out the derived columns of the series `start` to `end`, whose others have been restored."""
