"""Anomaly scores: what a detector said of one reading, before it learned it."""

from pydantic import Field, FiniteFloat

from schemas.record import Position, Record


class AnomalyScore(Record):
    """One reading's score. Many flagged readings in a row are one episode, and an episode is one alert."""

    schema_version: int = 1
    device: str
    metric: str
    event_time: int = Field(ge=-(2**63), lt=2**63, description="ms since the epoch, of the reading")
    value: FiniteFloat
    score: FiniteFloat = Field(description="in the detector's own scale; higher is stranger")
    threshold: FiniteFloat = Field(description="the score above which this reading would be flagged")
    is_anomaly: bool
    episode: int | None = Field(None, description="event_time of the episode's first flagged reading; null outside one")
    detector: str
    detector_version: int
    position: Position
