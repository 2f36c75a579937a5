"""Exposures: the lists that were shown to users, so that what they did next can be held against what they saw."""

from pydantic import Field

from schemas.record import Record


class Exposure(Record):
    """One answered list. An interaction that names its `exposure_id` answers it."""

    schema_version: int = 1
    exposure_id: str = Field(description="names the list, in the answer and in the interactions that follow it")
    user: str = Field(description="pseudonym, as of interactions")
    items: tuple[str, ...] = Field(description="as they were shown, the first on top")
    model_version: str | None = Field(None, description="of the model that made the list; null for one without a model")
    source: str = Field(description="personal: the user's own list; popular, trending: what all see; none: no items")
    arm: str | None = Field(None, description="of an experiment; null outside of one")
    event_time: int = Field(ge=-(2**63), lt=2**63, description="ms since the epoch, when the list was answered")
    context: str | None = Field(None, description="what the application said of the place, as it said it")
