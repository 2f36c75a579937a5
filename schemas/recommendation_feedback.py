"""What users did with the lists that they were shown, by model version and arm."""

from pydantic import Field

from schemas.record import Record

SHOWN = "shown"
"""In place of an action, for the lists themselves."""


class RecommendationFeedback(Record):
    """One minute of lists shown, or of one action with items of lists, of one model version, source and arm.

    Click-through is `events` of clicks over `events` of lists shown.
    """

    schema_version: int = 1
    window_start: int = Field(ge=-(2**63), lt=2**63, description="ms since the epoch, by the clock of the job")
    model_version: str | None = Field(None, description="null for lists that no model made")
    source: str = Field(description="personal, popular, trending, none")
    arm: str | None = Field(None, description="experiment/arm; null outside of one")
    action: str = Field(description="of interactions; shown: the lists")
    events: int = Field(ge=0, lt=2**63)
    mean_reciprocal_rank: float | None = Field(
        None, description="of what users chose: 1 / place in the list, 0 for what was not in it; null for shown"
    )
