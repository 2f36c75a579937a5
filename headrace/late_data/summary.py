"""A window and what its readings come to. Pure: times and values in, a WindowSummary out."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from schemas.window_summary import WINDOWS_MS, WindowSummary

RELATIVE = 1e-9
ABSOLUTE = 1e-6
"""Flink adds up in the order of record and takes the variance of sums of squares: the last digits may differ."""


@dataclass(frozen=True, order=True)
class Window:
    """The identity of one window of one series. `start` in ms since the epoch, included; `end` is not."""

    device: str
    metric: str
    length: str
    start: int

    @property
    def end(self) -> int:
        return self.start + WINDOWS_MS[self.length]


def windows_of(device: str, metric: str, event_time: int) -> Iterator[Window]:
    """The windows that a reading belongs to, one of each length.

    >>> [(window.length, window.start) for window in windows_of("d", "m", 1790000012345)]
    [('10s', 1790000010000), ('1m', 1789999980000)]
    """
    for length, length_ms in WINDOWS_MS.items():
        yield Window(device, metric, length, event_time // length_ms * length_ms)


def summarise(window: Window, readings: Mapping[int, float]) -> WindowSummary:
    """The corrected summary of at least one reading, event time -> value; all of them inside of the window.

    As jobs/window_telemetry.sql computes it: the standard deviation is that of the population, `last` the value with
    the greatest event time. Both sums are exact (Shewchuk's), so the order of the readings does not matter.
    """
    values = readings.values()
    mean = math.fsum(values) / len(readings)
    variance = math.fsum((value - mean) ** 2 for value in values) / len(readings)
    return WindowSummary(
        device=window.device,
        metric=window.metric,
        window=window.length,
        window_start=window.start,
        count=len(readings),
        mean=mean,
        min=min(values),
        max=max(values),
        stddev=math.sqrt(variance),
        last=readings[max(readings)],
        corrected=True,
    )


def agree(one: WindowSummary, other: WindowSummary) -> bool:
    """Whether two summaries of a window say the same, up to the digits that the order of adding up decides."""
    if one.count != other.count:
        return False
    # A variance near zero is the difference of two large numbers: its root is only as exact as the root of their error.
    scale = max(abs(one.min), abs(one.max))
    return all(
        math.isclose(getattr(one, name), getattr(other, name), rel_tol=RELATIVE, abs_tol=ABSOLUTE)
        for name in ("mean", "min", "max", "last")
    ) and math.isclose(one.stddev, other.stddev, rel_tol=RELATIVE, abs_tol=max(ABSOLUTE, scale * 1e-7))
