"""How a column writes times: ISO 8601, day or month first, or numbers since the epoch; and in which zone."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from headrace.csv_files.number_format import shown
from headrace.csv_files.time_suggestion import plain_half, suggested_patterns
from headrace.errors import UnusableFile
from payload_codecs.event_time import MS_PER_UNIT, iso8601_moment
from schemas.limits import MAX_EVENT_TIME_MS, MIN_EVENT_TIME_MS, event_time_fault

MAX_TIME_LENGTH = 60
"""Characters of a time."""

ISO = "iso8601"
DAY_FIRST, MONTH_FIRST, YEAR_FIRST = "day first", "month first", "year first"
EPOCHS = {unit.value: factor for unit, factor in MS_PER_UNIT.items()}
"""Numbers since the epoch, by the factor to ms."""

_NAMES = {
    ISO: "ISO 8601",
    DAY_FIRST: "day/month/year",
    MONTH_FIRST: "month/day/year",
    YEAR_FIRST: "year/month/day",
} | {unit: f"{unit} since 1970" for unit in EPOCHS}

_CLOCK = r"(?:[T, ]+([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,9}))?)?\s*([AaPp]\.?[Mm]\.?)?)?"
_DATE = re.compile(r"([0-9]{1,2})([./-])([0-9]{1,2})\2([0-9]{4})" + _CLOCK)
_YEAR_FIRST = re.compile(r"([0-9]{4})([./])([0-9]{1,2})\2([0-9]{1,2})" + _CLOCK)
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ].*)?", re.IGNORECASE | re.DOTALL)
DATE_ALONE = re.compile(r"[0-9]{1,4}([./-])[0-9]{1,2}\1[0-9]{1,4}")
CLOCK_ALONE = re.compile(
    r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?\s*(?:[AP]\.?M\.?)?\s*(?:Z|UTC|GMT|[+\-][0-9]{2}:?[0-9]{2})?",
    re.IGNORECASE,
)
_ISO_AND_CLOCK = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})" + _CLOCK)
_UTC_NAME = re.compile(r"\b(?:UTC|GMT)\b", re.IGNORECASE)
_UTC_AT_END = re.compile(r"(?:\b(?:UTC|GMT)|(?:%[SfMHp]|\s)Z)$")
"""Of a pattern: the name as such, not %Z."""
_CLOCK_DIRECTIVE = re.compile(r"%-?[HIcX]")
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_EPOCH = re.compile(r"[0-9]{9,19}(?:[.,][0-9]{1,9})?")
_SPACED_OFFSET = re.compile(r"\s+(?=[+\-][0-9]{2}:?(?:[0-9]{2})?$)")
_ZERO = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


class _NoTime(ValueError):
    """Why a cell cannot be used."""


@dataclass(frozen=True)
class TimeFormat:
    """How to read the cells of a column. `kind` is one of the names above, or a pattern of strptime.

    Examples
    --------
    >>> TimeFormat(DAY_FIRST, ZoneInfo("Europe/Berlin")).ms("25.10.2026 00:05")
    1792879500000
    """

    kind: str
    zone: ZoneInfo
    has_clock: bool = True
    """Whether the cells hold a time of day, or only dates."""

    def ms(self, cell: str) -> int:
        """Ms since the epoch; fractions of a ms are cut. Raises ValueError, whose text says why there is no time."""
        if len(cell) > MAX_TIME_LENGTH:
            raise _NoTime(f"{shown(cell)} is no time")
        try:
            return self._read(cell)
        except _NoTime:
            raise
        except (ValueError, OverflowError, ArithmeticError):
            raise _NoTime(f"{shown(cell)} is no time ({self.name})") from None

    @property
    def name(self) -> str:
        return _NAMES.get(self.kind, self.kind)

    @property
    def has_no_zone(self) -> bool:
        """Whether the zone can matter: numbers since the epoch have none."""
        return self.kind not in EPOCHS

    def _read(self, cell: str) -> int:
        if self.kind in EPOCHS:
            if not _EPOCH.fullmatch(cell):
                raise ValueError(cell)
            return self._number(cell)
        return self._since_epoch(_MOMENTS.get(self.kind, self._by_pattern)(cell), cell)

    def _number(self, cell: str) -> int:
        ms = int(Decimal(cell.replace(",", ".")) * EPOCHS[self.kind])
        if not MIN_EVENT_TIME_MS <= ms <= MAX_EVENT_TIME_MS and (other := kind_of(cell)):
            raise _NoTime(f"{shown(cell)} is in {other} since 1970, not in {self.kind}")
        return ms

    def _by_pattern(self, cell: str) -> datetime:
        cell = plain_half(cell) if "%p" in self.kind else cell
        if "%Z" in self.kind and "%z" not in self.kind:
            return self._by_zone_name(cell)
        moment = datetime.strptime(cell, self.kind)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None and _UTC_AT_END.search(self.kind) else moment

    def _by_zone_name(self, cell: str) -> datetime:
        """%Z alone gives a naive time, and its names are those of the zone of this computer."""
        try:
            return datetime.strptime(_UTC_NAME.sub("+0000", cell), self.kind.replace("%Z", "%z"))
        except ValueError:
            raise _NoTime(
                f"{shown(cell)} is no time ({self.kind}): of zones, only UTC, GMT and Z have certain names. Write an "
                "offset such as +01:00, or write the name instead of %Z and say --time-zone"
            ) from None

    def _since_epoch(self, moment: datetime, cell: str) -> int:
        if moment.tzinfo is None and self.zone.key == "UTC":
            moment = moment.replace(tzinfo=UTC)
        elif moment.tzinfo is None:
            moment, other = (moment.replace(tzinfo=self.zone, fold=fold) for fold in (0, 1))
            first, second = moment.utcoffset(), other.utcoffset()
            if first is not None and second is not None and first != second:
                what = "skips this time" if first < second else "has this time twice"
                raise _NoTime(f"{shown(cell)}: {self.zone.key} {what} when its clocks change")
        return (moment - _ZERO) // _MS


def _iso(cell: str) -> datetime:
    text = _SPACED_OFFSET.sub("", cell.upper())
    for zone in (" UTC", " GMT", " Z"):
        text = f"{text.removesuffix(zone)}Z" if text.endswith(zone) else text
    if not _ISO.fullmatch(text):
        raise ValueError(cell)
    if _ISO_DATE.fullmatch(text):
        return datetime.fromisoformat(text)
    try:
        return iso8601_moment(text)
    except ValueError:
        if found := _ISO_AND_CLOCK.fullmatch(text):  # 9:05, or 1:30 PM
            return _with_clock(found[1], found[2], found[3], found.groups()[3:])
        raise


def _with_clock(year: str, month: str, day: str, clock: tuple[str | None, ...]) -> datetime:
    hour_text, minute, second, fraction, half = clock
    hour = int(hour_text or 0)
    if half:
        if not 1 <= hour <= 12:
            raise ValueError(hour_text)
        hour = hour % 12 + (12 if half[0] in "pP" else 0)
    micros = int((fraction or "0")[:6].ljust(6, "0"))
    return datetime(int(year), int(month), int(day), hour, int(minute or 0), int(second or 0), micros)


def _dated(pattern: re.Pattern[str], year: int, month: int, day: int) -> Callable[[str], datetime]:
    def read(cell: str) -> datetime:
        found = pattern.fullmatch(cell)
        if found is None:
            raise ValueError(cell)
        return _with_clock(found[year], found[month], found[day], found.groups()[4:])

    return read


_MOMENTS: dict[str, Callable[[str], datetime]] = {
    ISO: _iso,
    DAY_FIRST: _dated(_DATE, 4, 3, 1),
    MONTH_FIRST: _dated(_DATE, 4, 1, 3),
    YEAR_FIRST: _dated(_YEAR_FIRST, 1, 3, 4),
}


@dataclass
class TimeSurvey:
    """What all cells of a column say about how it writes times."""

    kinds: Counter[str] = field(default_factory=Counter)
    firsts: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Kind -> line and cell of its first."""
    evidence: dict[str, tuple[int, str]] = field(default_factory=dict)
    """DAY_FIRST or MONTH_FIRST -> line and cell that prove it."""
    ambiguous: tuple[int, str] | None = None
    first: tuple[int, str] | None = None
    has_clock: bool = False

    def add(self, line: int, cell: str) -> None:
        """Takes one cell."""
        if not cell:
            return
        if self.first is None:
            self.first = line, cell
        kind = kind_of(cell)
        if kind is None:
            return
        self.kinds[kind] += 1
        self.firsts.setdefault(kind, (line, cell))
        self.has_clock = self.has_clock or not DATE_ALONE.fullmatch(cell)
        if kind == DAY_FIRST and (found := _DATE.fullmatch(cell)):
            self._add_date(line, cell, int(found[1]), found[2], int(found[3]))

    def format(self, name: str, zone: ZoneInfo, given: str | None = None) -> TimeFormat:
        """The way that most cells are written in, or the one that is given.

        Raises
        ------
        UnusableFile
            When there are no times, when 03/04/2026 may be in March or in April, or when numbers are in several units.
        """
        if given is not None:
            has_clock = _CLOCK_DIRECTIVE.search(given) is not None if "%" in given else self.has_clock
            return TimeFormat(given, zone, has_clock)
        if not self.kinds:
            raise self._unknown(name)
        kind = max(self.kinds, key=lambda each: self.kinds[each])
        self._require_one_unit(name, kind)
        return TimeFormat(self._order(name) if kind == DAY_FIRST else kind, zone, self.has_clock)

    def _require_one_unit(self, name: str, kind: str) -> None:
        units = [each for each in self.firsts if each in EPOCHS]
        if kind not in EPOCHS or len(units) < 2:
            return
        (line, cell), (other_line, other) = (self.firsts[unit] for unit in units[:2])
        raise UnusableFile(
            f"{name}: the column of times mixes units: {shown(cell)} (line {line}) is in {units[0]} since 1970, "
            f"{shown(other)} (line {other_line}) in {units[1]}. Write all in one unit, or read those of one only:  "
            f"--time-format {kind} --skip-bad-rows"
        )

    def _unknown(self, name: str) -> UnusableFile:
        line, cell = self.first or (0, "")
        if CLOCK_ALONE.fullmatch(cell):
            return UnusableFile(
                f"{name}, line {line}: {shown(cell)} is a time of day without its date. "
                "Add one column with the date, called Date, or name another --time-column"
            )
        return UnusableFile(
            f"{name}, line {line}: {shown(cell)} is no time in a format that is known. "
            f"Say how to read it, such as {_suggested(cell)}, or name another --time-column"
        )

    def _add_date(self, line: int, cell: str, first: int, separator: str, second: int) -> None:
        if separator == "." or (first > 12 >= second):
            self.evidence.setdefault(DAY_FIRST, (line, cell))
        elif second > 12 >= first:
            self.evidence.setdefault(MONTH_FIRST, (line, cell))
        elif self.ambiguous is None and first != second:
            self.ambiguous = line, cell

    def _order(self, name: str) -> str:
        if len(self.evidence) == 2:
            (day_line, day), (month_line, month) = self.evidence[DAY_FIRST], self.evidence[MONTH_FIRST]
            raise UnusableFile(
                f"{name}: {shown(day)} (line {day_line}) has the day first, {shown(month)} (line {month_line}) the "
                "month. Write all dates one way, or say which one holds:  --time-format"
            )
        if not self.evidence and self.ambiguous is not None:
            line, cell = self.ambiguous
            raise UnusableFile(
                f"{name}, line {line}: {shown(cell)} may have the day or the month first, and no other date tells. "
                f"Say which:  {_suggested(cell)}"
            )
        return next(iter(self.evidence), DAY_FIRST)


def _suggested(cell: str) -> str:
    fitting = suggested_patterns(cell) if len(cell) <= MAX_TIME_LENGTH else []
    return "--time-format " + ", or ".join(map(repr, fitting or ["%d.%m.%y %H:%M"]))


def kind_of(cell: str) -> str | None:
    """How one cell is written. DAY_FIRST stands for either order."""
    if len(cell) > MAX_TIME_LENGTH:
        return None
    if _EPOCH.fullmatch(cell):
        number = Decimal(cell.replace(",", "."))
        ms = ((unit, number * factor) for unit, factor in EPOCHS.items())
        return next((unit for unit, each in ms if MIN_EVENT_TIME_MS <= each <= MAX_EVENT_TIME_MS), None)
    if _DATE.fullmatch(cell):
        return DAY_FIRST
    if _YEAR_FIRST.fullmatch(cell):
        return YEAR_FIRST
    return ISO if _ISO.fullmatch(cell) else None


def require_current(ms: int, cell: str, now_ms: int, min_ms: int = MIN_EVENT_TIME_MS) -> None:
    """Check that `clean_telemetry` would accept a time.

    Raises
    ------
    ValueError
        When the time is before 2010, or what `min_ms` says, or in the future.
    """
    if fault := event_time_fault(ms, now_ms, min_ms):
        raise _NoTime(f"{shown(cell)} {fault}")
