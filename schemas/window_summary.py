"""Window summaries: what a series did in one tumbling window of event time."""

from pydantic import Field

from schemas.record import Record


class WindowSummary(Record):
    """Five aggregates and the last value of one device's metric in one window. Late readings are not in it."""

    schema_version: int = 1
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
