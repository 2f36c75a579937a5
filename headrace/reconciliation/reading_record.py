"""A reading as the ledger needs it: which series, when, what, and where in telemetry.readings it stands."""

from typing import NamedTuple


class ReadingRecord(NamedTuple):
    """One record of telemetry.readings. Times in ms since the epoch."""

    series: int
    event_time: int
    value: float
    partition: int
    offset: int
    append_time: int
