"""Anomaly scores: what a detector said of one reading, before it learned it; or that no reading comes."""

from typing import ClassVar

from pydantic import Field

from schemas.anomaly_kind import AnomalyKind
from schemas.record import Position, Record

KINDS = ", ".join(kind.label for kind in AnomalyKind if kind)


class AnomalyScore(Record):
    """One reading's score. Many flagged readings in a row are one episode, and an episode is one alert.

    A series that is missing has a record too, one an episode, without `value`, `score` and `position`.
    """

    SCHEMA_VERSION: ClassVar[int] = 3

    schema_version: int = 3
    device: str
    metric: str
    event_time: int = Field(
        ge=-(2**63), lt=2**63, description="ms since the epoch, of the reading; of a missing one, when it was overdue"
    )
    value: float | None = Field(None, allow_inf_nan=False, description="of the reading; null where none came")
    score: float | None = Field(
        None,
        allow_inf_nan=False,
        description="in the detector's own scale; higher is stranger; null while the series is too young",
    )
    threshold: float | None = Field(
        None,
        allow_inf_nan=False,
        description="the score above which this reading would be flagged; null where none is known",
    )
    is_anomaly: bool
    episode: int | None = Field(None, description="event_time of the episode's first flagged reading; null outside one")
    detector: str
    detector_version: int
    position: Position | None = Field(None, description="of the reading; null where none came")
    expected_low: float | None = Field(
        None, allow_inf_nan=False, description="the usual range of this reading; null where unknown"
    )
    expected_high: float | None = Field(None, allow_inf_nan=False, description="as `expected_low`")
    kind: str | None = Field(None, description=f"of the episode: {KINDS}; null outside one, and where unknown")
    explanation: str | None = Field(None, description="one sentence, at the alert only: what was expected, what came")
    threshold_raise: float | None = Field(
        None,
        allow_inf_nan=False,
        description="factor by which dismissed alerts have raised `threshold`; null where they have not",
    )
    group: int | None = Field(
        None, description="at the alert only: event_time of the first alert of the device that this one belongs to"
    )
    over_budget: bool | None = Field(
        None, description="true at an alert whose device has had its groups of alerts for the time; null otherwise"
    )
