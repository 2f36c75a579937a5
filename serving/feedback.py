"""Counts feedback for /metrics: what users did with their lists, by model version, source, arm and action."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from pydantic import ValidationError

from schemas.recommendation_feedback import RecommendationFeedback
from serving.label_cardinality import ActiveValues, BoundedLabel, NewestValues

NONE, OLDER, OTHER = "none", "older", "other"
"""Substitutes for a label's value: no value; a version older than the newest ones; a value beyond the limit."""

MAX_VERSIONS, MAX_SOURCES, MAX_ARMS, MAX_ACTIONS = 8, 8, 16, 12
MAX_IDLE_MS = 2 * 60 * 60 * 1000
"""A value that was idle for so long may be evicted. Feedback to a list comes within an hour as a rule."""


class Labels(NamedTuple):
    """Of a series; `none` for a missing value, as in InfluxDB."""

    model_version: str
    source: str
    arm: str
    action: str


@dataclass(frozen=True)
class FeedbackCount:
    """`reciprocal_ranks`: the sum of 1 / place over what users chose; its share of `events` is the mean."""

    events: int = 0
    reciprocal_ranks: float = 0.0


class Feedback:
    """`count` belongs to one thread; `counts` is replaced as a whole, so that any thread may read it."""

    def __init__(self) -> None:
        self.counts: Mapping[Labels, FeedbackCount] = {}
        self.unreadable = 0
        self._bounded_labels: tuple[BoundedLabel, ...] = (
            NewestValues(MAX_VERSIONS, OLDER),
            *(ActiveValues(max_values, OTHER, MAX_IDLE_MS) for max_values in (MAX_SOURCES, MAX_ARMS, MAX_ACTIONS)),
        )

    def count(self, records: Iterable[Any]) -> None:
        """Count records of the topic. Unreadable ones have a counter of their own."""
        counts = dict(self.counts)
        for record in records:
            try:
                feedback = RecommendationFeedback.model_validate_json(record.value or b"")
            except ValidationError:
                self.unreadable += 1
                continue
            labels = self._labels(feedback, counts)
            before = counts.get(labels, FeedbackCount())
            ranks = feedback.events * (feedback.mean_reciprocal_rank or 0.0)
            counts[labels] = FeedbackCount(before.events + feedback.events, before.reciprocal_ranks + ranks)
        self.counts = counts

    def _labels(self, feedback: RecommendationFeedback, counts: dict[Labels, FeedbackCount]) -> Labels:
        """The labels to count under. Removes the series of evicted values from `counts`."""
        values = []
        for place, (name, label) in enumerate(zip(Labels._fields, self._bounded_labels, strict=True)):
            value = getattr(feedback, name)
            bounded = label.value_for(value, feedback.window_start) if value else None
            if bounded is not None and bounded.evicted is not None:
                for each in [each for each in counts if each[place] == bounded.evicted]:
                    del counts[each]
            values.append(bounded.value if bounded else NONE)
        return Labels(*values)
