"""Sums over all that was read since the ledger began."""

from collections import Counter
from dataclasses import dataclass, field
from sqlite3 import Connection

TABLES = "CREATE TABLE totals (name TEXT, key TEXT, number INTEGER, PRIMARY KEY (name, key)) WITHOUT ROWID;"

_NUMBERS = ("messages", "readings", "duplicates", "ignored", "late")
_BETWEEN = "\t"
"""Between stage and reason in a key: neither has one."""


@dataclass
class Totals:
    """What the topics have held: for people, and for what the demo sent. The verdict does not rest on them."""

    messages: int = 0
    readings: int = 0
    duplicates: int = 0
    ignored: int = 0
    """Messages that hold no reading and are not meant to."""
    late: int = 0
    windowed: Counter[str] = field(default_factory=Counter)
    """Readings in windows, by the window's length."""
    rejected: Counter[str] = field(default_factory=Counter)
    """Dead letters of the cleaning, by reason."""
    refused_elsewhere: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Dead letters of the other stages, by stage and reason. They are no items of telemetry.raw."""

    @property
    def items(self) -> int:
        """Items that have left the cleaning."""
        return self.readings + self.duplicates + self.ignored + self.rejected.total()

    @classmethod
    def load(cls, connection: Connection) -> "Totals":
        totals = cls()
        for name, key, number in connection.execute("SELECT name, key, number FROM totals"):
            if name in _NUMBERS:
                setattr(totals, name, number)
            elif name == "refused_elsewhere":
                stage, reason = key.split(_BETWEEN)
                totals.refused_elsewhere[stage, reason] = number
            else:
                getattr(totals, name)[key] = number
        return totals

    def save(self, connection: Connection) -> None:
        rows = [(name, "", getattr(self, name)) for name in _NUMBERS]
        rows += [("windowed", key, number) for key, number in self.windowed.items()]
        rows += [("rejected", key, number) for key, number in self.rejected.items()]
        rows += [("refused_elsewhere", _BETWEEN.join(key), number) for key, number in self.refused_elsewhere.items()]
        connection.executemany("INSERT OR REPLACE INTO totals VALUES (?, ?, ?)", rows)

    def as_json(self) -> dict[str, object]:
        return {
            "messages": self.messages,
            "items": self.items,
            "readings": self.readings,
            "duplicates": self.duplicates,
            "ignored": self.ignored,
            "dead_letters": dict(self.rejected),
            "dead_letters_elsewhere": {f"{s}: {r}": number for (s, r), number in self.refused_elsewhere.items()},
            "late": self.late,
            "windowed": dict(self.windowed),
        }
