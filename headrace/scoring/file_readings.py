"""What a file of several series gives, whatever its format: readings in their order, and what was no reading."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from models.detectors.growable_arrays import Floats, Integers
from models.detectors.series_index import SeriesKey

CHUNK = 32_768
"""Readings that are in memory at once, about."""

MAX_NAMED = 20
"""Readings that were left out, named one by one."""


@dataclass(frozen=True)
class FileReadings:
    """Readings in the order of the file; columns of one length `n`.

    Parameters
    ----------
    places
        Line or row, from 1.
    series
        Numbers that the file gives its series; `ReadingsFile.key` names them.
    times
        In ms since the epoch.
    values
        Finite.
    """

    places: Integers
    series: Integers
    times: Integers
    values: Floats

    def __len__(self) -> int:
        return len(self.places)


class Reason(Enum):
    """Why something in a file is no reading, as the summary counts it."""

    BLANK = "without a value"
    UNUSABLE = "unusable"
    DUPLICATE = "repeated"
    CONFLICT = "with another value than the first of their time"


@dataclass
class LeftOut:
    """What was no reading: how many for each reason, and the first MAX_NAMED that are more than blank."""

    counts: Counter[Reason] = field(default_factory=Counter)
    named: list[str] = field(default_factory=list)

    def add(self, reason: Reason, what: str) -> None:
        """One more; `what` begins with the line."""
        self.counts[reason] += 1
        if len(self.named) < MAX_NAMED:
            self.named.append(what)

    def add_blank(self, number: int = 1) -> None:
        """Cells that say that there is no value."""
        if number:
            self.counts[Reason.BLANK] += number

    def lines(self) -> list[str]:
        """A line for each that is named, and one for how many more there are."""
        more = self.counts.total() - self.counts[Reason.BLANK] - len(self.named)
        return [f"left out: {each}" for each in self.named] + ([f"left out: {more:,} more"] if more else [])

    def __str__(self) -> str:
        counted = ", ".join(f"{self.counts[reason]:,} {reason.value}" for reason in Reason if self.counts[reason])
        return counted or "none"


@dataclass(frozen=True)
class FileOptions:
    """What a person said of the file. None, or nothing: it is detected.

    Parameters
    ----------
    value_columns
        Each is a metric.
    device_columns
        Whose cells together name the device.
    decimal
        "." or ",".
    time_format
        iso8601, s, ms, us, ns, or a pattern of strptime.
    time_zone
        Of times that name none.
    """

    time_column: str | None = None
    value_columns: tuple[str, ...] = ()
    device_columns: tuple[str, ...] = ()
    separator: str | None = None
    header_line: int | None = None
    decimal: str | None = None
    encoding: str | None = None
    time_format: str | None = None
    time_zone: str | None = None


class ReadingsFile(Protocol):
    """A file that was checked: how it is written is known, and every row can be read or says why not."""

    has_devices: bool
    """Whether its readings name their devices."""
    has_metrics: bool
    """Whether it can hold more than one metric."""
    place: str
    """What `FileReadings.places` counts: "line" or "row"."""

    @property
    def name(self) -> str: ...

    def key(self, series: int) -> SeriesKey:
        """Device and metric of a series that `batches` gave."""

    def report(self) -> list[str]:
        """What was detected, a line each, for a person who can tell whether it is right."""

    def batches(self, left_out: LeftOut) -> Iterator[FileReadings]:
        """All readings from the first on, about CHUNK at a time. Several may read at once.

        Raises
        ------
        UnusableFile
            When the file has changed since it was checked, or is damaged.
        """
