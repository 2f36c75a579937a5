"""The series that readings belong to, each with a number, so that the other tables need not repeat its names."""

from sqlite3 import Connection

TABLES = """
CREATE TABLE series (
  number INTEGER PRIMARY KEY, device TEXT NOT NULL, metric TEXT NOT NULL,
  verified_to INTEGER NOT NULL DEFAULT -1,
  newest_time INTEGER, newest_value REAL, partition INTEGER, offset INTEGER, append_time INTEGER,
  state_is_open INTEGER NOT NULL DEFAULT 0,
  UNIQUE (device, metric));
CREATE INDEX open_states ON series (number) WHERE state_is_open;
"""
"""verified_to: up to this event time InfluxDB was compared point by point (points.py). The rest: states.py."""

Name = tuple[str, str]
"""Device and metric."""


class Series:
    """Numbers of the series. Holds all their names: memory goes with the number of series, not of readings."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        rows = connection.execute("SELECT device, metric, number FROM series")
        self._numbers: dict[Name, int] = {(device, metric): number for device, metric, number in rows}

    def number(self, device: str, metric: str) -> int:
        """Of a series that may be new."""
        found = self._numbers.get((device, metric))
        return self._add(device, metric) if found is None else found

    def known(self, device: str, metric: str) -> int | None:
        """None: no reading of it was ever read."""
        return self._numbers.get((device, metric))

    def _add(self, device: str, metric: str) -> int:
        cursor = self._connection.execute("INSERT INTO series (device, metric) VALUES (?, ?)", (device, metric))
        number = int(cursor.lastrowid or 0)
        self._numbers[device, metric] = number
        return number
