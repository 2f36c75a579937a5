"""What a deployment may change about change capture."""

from typing import ClassVar

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class CaptureSettings(BaseSettings):
    """How often the connector proves that changes arrive, by a row that it changes in PostgreSQL.

    What waits for that proof, as `headrace cdc repair` does, waits for the next heartbeat.
    """

    READ_BY: ClassVar[str] = "`headrace up`, `status` and `cdc`, and the container role `capture`"
    model_config = SettingsConfigDict(env_prefix="HEADRACE_CAPTURE_", frozen=True, extra="ignore")

    heartbeat_ms: int = Field(
        5000,
        ge=100,
        le=10_000,
        description="Milliseconds between two heartbeats. Each writes a row and its line of PostgreSQL's log.",
    )
