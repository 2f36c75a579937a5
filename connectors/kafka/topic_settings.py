"""What a deployment may change about the topics: how long and how much of the dead letters is kept."""

from typing import ClassVar

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from schemas.topics import DAY_MS, DEAD_LETTERS, MIB, Topic, topics_with


class TopicSettings(BaseSettings):
    """Retention of the topic `dead-letters`: whichever limit is reached first removes the oldest records.

    Kafka removes whole closed segments, so up to one more is kept.
    """

    READ_BY: ClassVar[str] = "`headrace up` and the container role `create-topics`"
    model_config = SettingsConfigDict(env_prefix="HEADRACE_DEAD_LETTERS_", frozen=True, extra="ignore")

    retention_days: int = Field(
        DEAD_LETTERS.retention_ms // DAY_MS, ge=1, le=3650, description="Days that a dead letter is kept."
    )
    retention_mib: int = Field(
        DEAD_LETTERS.retention_bytes // MIB, ge=1, description="MiB that are kept of each partition."
    )

    def topics(self) -> tuple[Topic, ...]:
        """All topics, with these limits."""
        return topics_with(self.retention_days * DAY_MS, self.retention_mib * MIB)
