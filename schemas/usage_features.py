"""Usage features: how a customer uses the product, as a churn model sees it. Declared here and nowhere else.

A feature is an aggregate over whole hours of the topic `usage.hours`, the last of which ends at `as_of`. Its SQL is
made here, once, and run by both sides: by Flink in the stream (jobs/window_usage.sql), and by SQLite for a table to
train on (headrace/churn/usage_history.py). It adds up whole numbers only: no sum depends on the order of its parts.
docs/reference/usage_features.md is made from this.
"""

from dataclasses import dataclass
from enum import StrEnum

HOUR_MS = 60 * 60 * 1000

GRACE_MS = 15 * 60 * 1000
"""How long after its end an hour is waited for. What is counted later is in the features of the next hour and on."""

MAX_USAGE_SKEW_MS = HOUR_MS
"""An event that is dated further ahead of its arrival has a wrong clock and is not counted."""


class UsageSource(StrEnum):
    """Where an event comes from."""

    TELEMETRY = "telemetry"
    INTERACTIONS = "interactions"


class Aggregate(StrEnum):
    """What is made of a window's hours."""

    EVENTS = "events"
    """How many events."""
    ACTIVE_HOURS = "active hours"
    """In how many hours there was one."""


_SQL = {
    Aggregate.EVENTS: "SUM(CASE WHEN {counts} THEN events ELSE 0 END)",
    Aggregate.ACTIVE_HOURS: "COUNT(DISTINCT CASE WHEN {counts} THEN hour_start END)",
}


@dataclass(frozen=True)
class UsageFeature:
    """One column of a model, a whole number. Without any event it is 0.

    `sql`: the aggregate over rows of source, hour_start, events and as_of (times in ms).
    """

    name: str
    source: UsageSource
    aggregate: Aggregate
    window_h: int
    meaning: str

    @property
    def sql(self) -> str:
        """The SQL expression that gives the feature."""
        counts = f"source = '{self.source}' AND hour_start >= as_of - {self.window_h * HOUR_MS}"
        return _SQL[self.aggregate].format(counts=counts)


USAGE_FEATURES = (
    UsageFeature(
        "usage_readings_1d", UsageSource.TELEMETRY, Aggregate.EVENTS, 24,
        "Readings that the customer's devices took in the last day.",
    ),
    UsageFeature(
        "usage_readings_7d", UsageSource.TELEMETRY, Aggregate.EVENTS, 168,
        "Readings that the customer's devices took in the last week.",
    ),
    UsageFeature(
        "usage_device_hours_7d", UsageSource.TELEMETRY, Aggregate.ACTIVE_HOURS, 168,
        "Hours of the last week in which at least one of the customer's devices took a reading.",
    ),
    UsageFeature(
        "usage_interactions_1d", UsageSource.INTERACTIONS, Aggregate.EVENTS, 24,
        "What the customer did in the applications in the last day: actions of any kind.",
    ),
    UsageFeature(
        "usage_interactions_7d", UsageSource.INTERACTIONS, Aggregate.EVENTS, 168,
        "What the customer did in the applications in the last week: actions of any kind.",
    ),
    UsageFeature(
        "usage_interaction_hours_7d", UsageSource.INTERACTIONS, Aggregate.ACTIVE_HOURS, 168,
        "Hours of the last week in which the customer did anything in the applications.",
    ),
)  # fmt: skip
"""The closed list."""

NO_USAGE = {feature.name: 0 for feature in USAGE_FEATURES}
"""Of a customer of whom nothing was counted: the same as if it had been said."""

MAX_WINDOW_H = max(feature.window_h for feature in USAGE_FEATURES)

MAX_AGE_MS = MAX_WINDOW_H * HOUR_MS
"""An event that is older when it arrives is in no window any more, and is not counted."""

KNOWN_AT_SQL = f"hour_start < as_of AND appended < as_of + {GRACE_MS}"
"""SQL condition: which records of usage.hours the features of `as_of` may know of. `appended`: when Kafka took it."""


def as_of_at(moment_ms: int) -> int:
    """The newest `as_of` whose features are known at a moment, both in ms.

    >>> as_of_at(1_764_000_000_000) == 1_763_996_400_000 and as_of_at(1_764_000_900_000) == 1_764_000_000_000
    True
    """
    return (moment_ms - GRACE_MS) // HOUR_MS * HOUR_MS
