"""Settings of one instance: HEADRACE_SERVING_PORT and so on. Where Redis and Kafka are: connectors.endpoints."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from connectors.endpoints import LOOPBACK, SERVING_PORT, StackSettings


class ServingSettings(BaseSettings):
    """Settings of one instance."""

    model_config = SettingsConfigDict(env_prefix="HEADRACE_SERVING_", frozen=True, extra="ignore")

    host: str = LOOPBACK
    port: int = Field(
        default_factory=lambda: SERVING_PORT + 1 + StackSettings().port_offset,
        ge=0,
        le=65535,
        description="of this instance; 0 takes a free one",
    )
    rate_limit: float = Field(5000.0, gt=0, description="requests a second of one key at this instance")
    rate_burst: float = Field(5000.0, ge=1, description="requests that a key may make at once after a pause")
    stale_after_ms: int = Field(500, ge=50, le=1000, description="maximum age of a cached value of Redis")
    redis_timeout_ms: int = Field(500, ge=10, le=5000, description="after it Redis counts as unavailable")
    kafka_timeout_ms: int = Field(5000, ge=500, le=30_000, description="how long an interaction waits for Kafka")
    max_body_bytes: int = Field(64 * 1024, ge=1024, le=1024 * 1024, description="of one POST")
    max_exposures: int = Field(20_000, ge=1, description="size of the queue of exposures; beyond it they are dropped")
    drain_s: float = Field(3.0, ge=0, le=60, description="after SIGTERM: unready, and still answering")
    stop_within_s: float = Field(5.0, ge=0, le=60, description="after that, for requests and exposures in flight")
