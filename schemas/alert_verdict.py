"""Verdicts: what operators said of alerts."""

from enum import StrEnum

from pydantic import Field

from schemas.limits import MAX_NAME_LENGTH
from schemas.record import Record

MAX_NOTE_LENGTH = 500
"""Characters."""


class Ruling(StrEnum):
    """What an alert was."""

    CONFIRMED = "confirmed"
    """Something was wrong."""
    DISMISSED = "dismissed"
    """Nothing was wrong: the series' threshold rises."""


class AlertVerdict(Record):
    """What an operator said of one alert. The latest verdict on an alert counts."""

    schema_version: int = 1
    device: str = Field(min_length=1, max_length=MAX_NAME_LENGTH)
    metric: str = Field(min_length=1, max_length=MAX_NAME_LENGTH)
    episode: int = Field(ge=-(2**63), lt=2**63, description="event_time of the alert: with device and metric its name")
    verdict: Ruling
    note: str | None = Field(None, max_length=MAX_NOTE_LENGTH, description="free text of the operator")
    decided_at: int = Field(ge=0, lt=2**63, description="ms since the epoch")
