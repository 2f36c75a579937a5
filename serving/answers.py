"""The bodies of successful answers as OpenAPI describes them. The instance writes their JSON itself; tests compare."""

from pydantic import BaseModel, ConfigDict, Field


class RecommendedItem(BaseModel):
    """One item of a list."""

    item: str
    score: float = Field(description="higher is better; comparable within one list only")
    why: str | None = Field(None, description="the reason, for a person: goes with an item, popular, trending")


class ItemList(BaseModel):
    """The fields that all lists have."""

    items: list[RecommendedItem]
    source: str = Field(description="personal, similar, popular, trending; none before the first list is stored")
    degraded: bool = Field(description="true during an outage of Redis: the last popular list stands in")
    model_version: str | None
    generated_at: int | None = Field(description="ms since the epoch")


class Recommendations(ItemList):
    """A user's list."""

    model_config = ConfigDict(json_schema_extra={"examples": [{
        "user": "u-17", "exposure_id": "6f0c5d0f3b5e4c0e8a1f2b3c4d5e6f70",
        "items": [{"item": "i-42", "score": 0.8125, "why": "goes with i-7"}],
        "source": "personal", "degraded": False, "model_version": "v3", "generated_at": 1_790_000_000_000,
    }]})  # fmt: skip

    user: str
    exposure_id: str = Field(description="send it with the interactions that follow")


class SimilarItems(ItemList):
    """The items that are similar to an item."""

    item: str


class StoredInteractions(BaseModel):
    """Kafka has confirmed all interactions."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"stored": 1, "event_times": [1_790_000_000_000]}]})

    stored: int
    event_times: list[int] = Field(description="of each interaction, in the order of the request")
