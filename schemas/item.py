"""Items: what can be recommended, as an application tells it."""

from pydantic import Field

from schemas.limits import MAX_NAME_LENGTH
from schemas.record import Record


class Item(Record):
    """The newest state of one item. A record without a value means that the item is gone.

    An item without a record counts as available.
    """

    schema_version: int = 1
    item: str = Field(min_length=1, max_length=MAX_NAME_LENGTH)
    available: bool = Field(description="false: withdrawn or out of stock, in no list within 5 s")
    attributes: dict[str, str] | None = Field(None, description="what is known of it: genre, brand, price range")
