"""What users did with the lists that they were shown, counted for /metrics by model version, source, arm and action."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from pydantic import ValidationError

from schemas.recommendation_feedback import RecommendationFeedback
from serving.label_cardinality import LabelValues, NewestNames, UnlessTooMany

NONE, OLDER, OTHER = "none", "older", "other"
"""In place of a label's value: there is none; a version before the newest ones; one too many."""

MAX_VERSIONS, MAX_SOURCES, MAX_ARMS, MAX_ACTIONS = 8, 8, 16, 12
SILENT_MS = 2 * 60 * 60 * 1000
"""A value that was silent for so long makes room. A list is answered within an hour, as a rule."""


class Labels(NamedTuple):
    """Of a series; as in InfluxDB, `none` where a record has nothing."""

    model_version: str
    source: str
    arm: str
    action: str


@dataclass(frozen=True)
class Counted:
    """`reciprocal_ranks`: the sum of 1 / place over what users chose; its share of `events` is the mean."""

    events: int = 0
    reciprocal_ranks: float = 0.0


class Feedback:
    """`take` belongs to one thread; `counted` is replaced as a whole, so that any thread may read it."""

    def __init__(self) -> None:
        self.counted: Mapping[Labels, Counted] = {}
        self.unreadable = 0
        self._values: tuple[LabelValues, ...] = (
            NewestNames(MAX_VERSIONS, OLDER),
            *(UnlessTooMany(most, OTHER, SILENT_MS) for most in (MAX_SOURCES, MAX_ARMS, MAX_ACTIONS)),
        )

    def take(self, records: Iterable[Any]) -> None:
        """Count records of the topic; what is none is counted apart."""
        counted = dict(self.counted)
        for record in records:
            try:
                feedback = RecommendationFeedback.model_validate_json(record.value or b"")
            except ValidationError:
                self.unreadable += 1
                continue
            labels = self._labels(feedback, counted)
            before = counted.get(labels, Counted())
            ranks = feedback.events * (feedback.mean_reciprocal_rank or 0.0)
            counted[labels] = Counted(before.events + feedback.events, before.reciprocal_ranks + ranks)
        self.counted = counted

    def _labels(self, feedback: RecommendationFeedback, counted: dict[Labels, Counted]) -> Labels:
        """Those under which it counts; series of a value that makes room are taken from `counted`."""
        named = []
        for place, (label, values) in enumerate(zip(Labels._fields, self._values, strict=True)):
            value = getattr(feedback, label)
            admitted = values.admit(value, feedback.window_start) if value else None
            if admitted is not None and admitted.gone is not None:
                for each in [each for each in counted if each[place] == admitted.gone]:
                    del counted[each]
            named.append(admitted.value if admitted else NONE)
        return Labels(*named)
