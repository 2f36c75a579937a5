"""Usage features as they were known at a moment: the SQL of the stream, run by SQLite over the topic `usage.hours`."""

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing

from connectors.kafka.log import KafkaLog
from connectors.kafka.reading import Partition
from headrace.errors import FeaturesNotMade
from schemas.topics import USAGE_HOURS, UnreadableRecord, read_record
from schemas.usage import UsageHour
from schemas.usage_features import GRACE_MS, KNOWN_AT_SQL, MAX_AGE_MS, MAX_USAGE_SKEW_MS, USAGE_FEATURES

Features = dict[str, int]

_TABLE = """CREATE TABLE usage_hours (
  customer TEXT NOT NULL, source TEXT NOT NULL, hour_start INTEGER NOT NULL, events INTEGER NOT NULL,
  appended INTEGER NOT NULL)"""

_FEATURES = f"""
WITH known AS (SELECT *, :as_of AS as_of FROM usage_hours)
SELECT customer, {", ".join(feature.sql for feature in USAGE_FEATURES)}
FROM known
WHERE {KNOWN_AT_SQL} AND hour_start >= as_of - {MAX_AGE_MS}
GROUP BY customer
ORDER BY customer"""


class UsageHistory:
    """Records of `usage.hours` and when Kafka took each, in ms. They are on disk, and gone with the object."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("")
        self._database.execute(_TABLE)

    def close(self) -> None:
        self._database.close()

    def add(self, records: Iterable[tuple[UsageHour, int]]) -> None:
        """Records with the ms at which Kafka took them."""
        rows = ((r.customer, r.source.value, r.hour_start, r.events, appended) for r, appended in records)
        self._database.executemany("INSERT INTO usage_hours VALUES (?, ?, ?, ?, ?)", rows)

    def features(self, as_of: int) -> dict[str, Features]:
        """Customer -> features as of the end of an hour, of those of whom anything was counted in a window."""
        names = [feature.name for feature in USAGE_FEATURES]
        rows = self._database.execute(_FEATURES, {"as_of": as_of})
        return {customer: dict(zip(names, values, strict=True)) for customer, *values in rows}


def features_from_kafka(bootstrap: str, as_of: int) -> dict[str, Features]:
    """As `features_known`. Raises KafkaUnavailable too, when Kafka does not answer."""
    with KafkaLog.connect(bootstrap) as log:
        return features_known(log, as_of)


def features_known(log: KafkaLog, as_of: int) -> dict[str, Features]:
    """The features of every customer as of the end of an hour, in ms.

    Raises
    ------
    FeaturesNotMade
        Nothing was counted in the windows of that hour, or Kafka's retention has taken a part of it.
    """
    with closing(UsageHistory()) as history:
        n_records = 0
        for batch in log.read(*_span(log, as_of)):
            known = [(record, at) for at, value in _values(batch.records) if (record := _usage_hour(value))]
            history.add(known)
            n_records += len(known)
        if not n_records:
            raise FeaturesNotMade(
                "Nothing was counted in the week before. Do the jobs run?  headrace submit count_usage window_usage"
            )
        return history.features(as_of)


def _span(log: KafkaLog, as_of: int) -> tuple[dict[Partition, int], dict[Partition, int]]:
    """From the first record that can be in a window to behind the last that may be known."""
    partitions = log.partitions([USAGE_HOURS.name])
    if not partitions:
        raise FeaturesNotMade(f"Kafka has no topic {USAGE_HOURS.name}. Make it:  headrace up")
    ends = log.committed_ends(partitions)
    starts = _cut(log.offsets_at(partitions, as_of - MAX_AGE_MS - MAX_USAGE_SKEW_MS), ends)
    first = log.first_offsets(partitions)
    if any(first[each] > 0 and starts[each] <= first[each] < ends[each] for each in partitions):
        days = USAGE_HOURS.retention_ms // (24 * 60 * 60 * 1000)
        raise FeaturesNotMade(
            f"Part of the week before is no longer kept (only {days} days are). Choose a later --as-of"
        )
    return starts, _cut(log.offsets_at(partitions, as_of + GRACE_MS), ends)


def _cut(found: Mapping[Partition, int | None], ends: Mapping[Partition, int]) -> dict[Partition, int]:
    """None is behind the last record."""
    return {each: ends[each] if offset is None else min(offset, ends[each]) for each, offset in found.items()}


def _values(records: Iterable[object]) -> Iterable[tuple[int, bytes | None]]:
    return ((record.timestamp, record.value) for record in records)  # type: ignore[attr-defined]


def _usage_hour(value: bytes | None) -> UsageHour | None:
    """None for what only a foreign producer writes; the stream passes over it too."""
    try:
        record = read_record(USAGE_HOURS.name, value)
    except UnreadableRecord:
        return None
    assert isinstance(record, UsageHour)  # noqa: S101  # of this topic
    return record
