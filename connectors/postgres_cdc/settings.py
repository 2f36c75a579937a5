"""What a deployment may change about change capture."""

from typing import ClassVar

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class CaptureSettings(BaseSettings):
    """How soon it shows whether changes arrive.

    The connector proves it by a row that it changes in PostgreSQL, the heartbeat. What waits for that proof, such as
    `headrace cdc repair`, waits for the next one.
    """

    READ_BY: ClassVar[str] = "`headrace up`, `status` and `cdc`, and the container role `capture`"
    model_config = SettingsConfigDict(env_prefix="HEADRACE_CAPTURE_", frozen=True, extra="ignore")

    heartbeat_ms: int = Field(
        5000,
        ge=100,
        le=10_000,
        description="Milliseconds between two heartbeats. Each writes a row and its line of PostgreSQL's log.",
    )
    stalls_after_s: float = Field(
        60.0,
        ge=10,
        description="Seconds without progress after which an incremental snapshot counts as stuck. A restart of Kafka "
        "Connect in the midst of one takes half a minute.",
    )
