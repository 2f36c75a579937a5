"""What one scan of the topics adds up to. Pure: records in, sums and differences out."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from schemas.dead_letter import DeadLetter
from schemas.reading import LateReading, Reading
from schemas.record import Position
from schemas.window_summary import WindowSummary

CLEANING = "clean_telemetry"
THE_DOOR = "mqtt_bridge"

Message = tuple[int, int]
"""Partition and offset in telemetry.raw."""


@dataclass
class Ledger:
    """Messages of telemetry.raw against the items of all outputs, and readings against windows."""

    messages: int = 0
    readings: int = 0
    duplicates: int = 0
    late: int = 0
    windowed: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    """Dead letters of the cleaning, by reason."""
    refused_elsewhere: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Dead letters of the other stages, by stage and reason. They are no items of telemetry.raw."""
    newest: dict[tuple[str, str], tuple[int, float]] = field(default_factory=dict)
    """(device, metric) -> event time and value of the newest reading."""
    identities: set[tuple[str, str, int]] = field(default_factory=set)
    _items: dict[Message, Counter[int]] = field(default_factory=dict)
    _sizes: dict[Message, int] = field(default_factory=dict)

    @property
    def items(self) -> int:
        return self.readings + self.duplicates + self.rejected.total()

    def add_message(self, partition: int, offset: int) -> None:
        self.messages += 1
        self._items.setdefault((partition, offset), Counter())

    def add_reading(self, reading: Reading) -> None:
        self.readings += 1
        self._add_item(reading.position)
        self.identities.add((reading.device, reading.metric, reading.event_time))
        series = (reading.device, reading.metric)
        if series not in self.newest or reading.event_time >= self.newest[series][0]:
            self.newest[series] = (reading.event_time, reading.value)

    def add_duplicate(self, reading: Reading) -> None:
        self.duplicates += 1
        self._add_item(reading.position)

    def add_dead_letter(self, letter: DeadLetter) -> None:
        if letter.stage == CLEANING and letter.position is not None:
            self.rejected[str(letter.reason)] += 1
            self._add_item(letter.position)
        else:
            self.refused_elsewhere[letter.stage, str(letter.reason)] += 1

    def add_late(self, _: LateReading) -> None:
        self.late += 1

    def add_window(self, window: WindowSummary) -> None:
        self.windowed[window.window] += window.count

    def _add_item(self, position: Position) -> None:
        message = (position.partition, position.offset)
        self._items.setdefault(message, Counter())[position.item] += 1
        self._sizes[message] = position.items

    def differences(self) -> list[str]:
        """One sentence for each; none when every item left exactly once and all windows are closed."""
        missing = [m for m, items in self._items.items() if len(items) < self._sizes.get(m, 1)]
        doubled = [m for m, items in self._items.items() if any(count > 1 for count in items.values())]
        found = []
        if missing:
            found.append(f"{len(missing)} messages have not left clean_telemetry whole: {ranges(missing)}")
        if doubled:
            found.append(f"{len(doubled)} messages left clean_telemetry more than once: {ranges(doubled)}")
        for window in ("10s", "1m"):
            windowed = self.windowed[window] + self.late
            if windowed != self.readings:
                found.append(f"{self.readings} readings, but {windowed} in windows of {window} or late")
        return found


def ranges(messages: Iterable[Message], most: int = 5) -> str:
    """Offsets as ranges, by partition: "telemetry.raw[0] 3-7, telemetry.raw[1] 12".

    >>> ranges([(0, 3), (0, 4), (0, 5), (1, 12), (0, 9)])
    'telemetry.raw[0] 3-5, telemetry.raw[0] 9, telemetry.raw[1] 12'
    """
    runs: list[list[int]] = []
    for partition, offset in sorted(messages):
        if runs and runs[-1][0] == partition and runs[-1][2] == offset - 1:
            runs[-1][2] = offset
        else:
            runs.append([partition, offset, offset])
    texts = [f"telemetry.raw[{p}] {a}" + (f"-{b}" if b > a else "") for p, a, b in runs[:most]]
    return ", ".join(texts) + (f" and {len(runs) - most} more ranges" if len(runs) > most else "")
