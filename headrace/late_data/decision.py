"""What is to be done with a window that late readings belong to. Pure: what is stored in, a verdict out."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from headrace.late_data.summary import Window, agree, summarise
from schemas.window_summary import WindowSummary


class Verdict(StrEnum):
    """Of one window, in the words that the command prints."""

    CORRECTED = "corrected"
    RIGHT = "already right"
    OPEN = "not closed yet"
    """Its first record may still come, and would take the place of a correction that was sent before it."""
    EXPIRED = "older than InfluxDB's retention"
    EMPTY = "no reading of it is stored"
    FEWER = "fewer readings stored than it has"


@dataclass(frozen=True)
class StoredWindow:
    """What InfluxDB holds of one window: event time -> value of its readings, and its point if there is one."""

    window: Window
    readings: Mapping[int, float]
    point: WindowSummary | None


@dataclass(frozen=True)
class Horizon:
    """Times in ms since the epoch. `closed`: windows that end by then have closed. `kept`: older points are gone.

    A point in InfluxDB does not show that its window closed before the store was looked at.
    """

    closed: int
    kept: int


def judge(stored: StoredWindow, late: Mapping[int, int], horizon: Horizon) -> tuple[Verdict, WindowSummary | None]:
    """The verdict, and the corrected summary if that is what it says.

    `late` are the late readings of the window: event time -> the watermark that it met.
    """
    window, point = stored.window, stored.point
    if window.start < horizon.kept:
        return Verdict.EXPIRED, None
    if window.end > horizon.closed and not _has_no_first_record(stored, late):
        return Verdict.OPEN, None
    if not stored.readings:
        return Verdict.EMPTY, None
    computed = summarise(window, stored.readings)
    if point and computed.count < point.count:
        return Verdict.FEWER, None
    if point and agree(point, computed):
        return Verdict.RIGHT, None
    return Verdict.CORRECTED, computed


def _has_no_first_record(stored: StoredWindow, late: Mapping[int, int]) -> bool:
    """Every reading came late, and this device had passed the end of the window: no other can be on time."""
    return bool(late) and stored.readings.keys() <= late.keys() and max(late.values()) >= stored.window.end
