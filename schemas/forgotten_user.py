"""Users who are to be forgotten, by their pseudonyms."""

from pydantic import Field

from schemas.limits import MAX_NAME_LENGTH
from schemas.record import Record


class ForgottenUser(Record):
    """From now on nothing may be kept of this user, whatever still comes."""

    schema_version: int = 1
    user: str = Field(
        min_length=1, max_length=MAX_NAME_LENGTH, description="the pseudonym that interactions call the user by"
    )
    forgotten_at: int = Field(ge=0, lt=2**63, description="ms since the epoch")
