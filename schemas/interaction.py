"""Interactions: what a user did with an item, as an application tells it."""

from pydantic import Field

from schemas.record import Record


class Interaction(Record):
    """One action of one user. Its identity is user, item, action and event_time."""

    schema_version: int = 1
    user: str = Field(description="pseudonym of the customer's id, as the REST API makes it (docs/how-to/privacy.md)")
    item: str | None = Field(None, description="what it was done with; null for an action without one, such as a login")
    action: str = Field(description="for example view, buy, login")
    event_time: int = Field(ge=-(2**63), lt=2**63, description="ms since the epoch")
    context: dict[str, str] | None = Field(None, description="where and how: page, device, campaign")
    exposure_id: str | None = Field(None, description="of the recommendation that it answers, if any")
