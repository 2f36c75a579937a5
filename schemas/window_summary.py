"""Window summaries: what a series did in one tumbling window of event time."""

from typing import ClassVar

from pydantic import Field

from schemas.record import Record

WINDOWS_MS = {"10s": 10_000, "1m": 60_000}
"""The windows that there are, by name. Aligned to the epoch."""


class WindowSummary(Record):
    """Five aggregates and the last value of one device's metric in one window.

    Identity: device, metric, window, window_start. Late readings are missing in a window's first record, and in it
    again with the corrected one, which comes behind the first in the same partition and takes its place.
    """

    SCHEMA_VERSION: ClassVar[int] = 2

    schema_version: int = 2
    device: str
    metric: str
    window: str = Field(description="length of the window: 10s or 1m")
    window_start: int = Field(description="ms since the epoch, included; the end is not")
    count: int
    mean: float
    min: float
    max: float
    stddev: float = Field(description="population standard deviation")
    last: float = Field(description="value of the newest reading by event time")
    corrected: bool = Field(
        False,
        description="recomputed with its late readings; false: as the window closed, and counted by the balance",
    )
