"""Churn scores: how likely a customer is to leave, and why."""

from pydantic import BaseModel, ConfigDict, Field

from schemas.record import Position, Record


class ChurnReason(BaseModel):
    """One column of the customer, and what it does to the risk."""

    model_config = ConfigDict(frozen=True)

    column: str
    points: float = Field(description="of a hundred, that the value adds to the risk; negative if it takes away")
    words: str = Field(description="for a person: Contract is Month-to-month: raises the risk by 14 points")


class ChurnScore(Record):
    """The risk of one customer as the newest row of the table tells it, and the newest usage if the model reads it."""

    schema_version: int = 1
    customer: str
    changed_at: int = Field(
        ge=0,
        lt=2**63,
        description="ms since the epoch: when the database took the row, or as_of of its usage, the newer of both",
    )
    risk: float | None = Field(None, ge=0, le=1, description="probability of leaving; null for a deleted customer")
    at_risk: bool = Field(False, description="whether the risk reaches the model's threshold")
    threshold: float | None = Field(None, description="chosen in training by the costs of a miss and a false alarm")
    reasons: tuple[ChurnReason, ...] = Field((), description="the strongest first, at most three")
    model_version: str | None = None
    deleted: bool = False
    position: Position = Field(description="of the row in the topic customers")
