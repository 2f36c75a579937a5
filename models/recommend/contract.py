"""What a recommender asks of its input and promises of its output: `contract.json`, beside `model.onnx`."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class RecommendContract(BaseModel):
    """A recommender's contract.

    Parameters
    ----------
    kind
        Name in the catalogue.
    items
        Names by number. The graph speaks of numbers.
    n_recommended
        Length of a list.
    session_s
        A user who was idle for longer has returned.
    interactions, until_s
        How many were learned, and the time of the last of them (seconds since the epoch).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: Literal["recommend"] = "recommend"
    version: str
    kind: str
    items: tuple[str, ...] = Field(min_length=1)
    n_recommended: int = Field(ge=1)
    session_s: float
    interactions: int
    until_s: float
    fingerprint: str
    libraries: dict[str, str]
