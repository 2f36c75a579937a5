"""Settings of one instance: HEADRACE_SERVING_PORT and so on. Where Redis and Kafka are: connectors.endpoints."""

from typing import ClassVar

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from connectors.endpoints import LOOPBACK, SERVING_PORT, StackSettings
from schemas.setting import stated_default


class ServingSettings(BaseSettings):
    """How one instance of the REST API works."""

    READ_BY: ClassVar[str] = "each instance of the REST API"
    model_config = SettingsConfigDict(env_prefix="HEADRACE_SERVING_", frozen=True, extra="ignore")

    host: str = Field(LOOPBACK, description="Address that the instance listens on.")
    port: int = Field(
        default_factory=lambda: SERVING_PORT + 1 + StackSettings().port_offset,
        ge=0,
        le=65535,
        description="Port of this instance. 0 takes a free port.",
        json_schema_extra=stated_default(f"{SERVING_PORT + 1}, the port plus HEADRACE_PORT_OFFSET"),
    )
    rate_limit: float = Field(5000.0, gt=0, description="Requests a second that one API key may make at this instance.")
    rate_burst: float = Field(5000.0, ge=1, description="Requests that an API key may make at once after a pause.")
    stale_after_ms: int = Field(
        500, ge=50, le=1000, description="Milliseconds after which a cached answer of Redis is no longer used."
    )
    redis_timeout_ms: int = Field(
        500, ge=10, le=5000, description="Milliseconds without an answer after which Redis counts as unavailable."
    )
    kafka_timeout_ms: int = Field(
        5000, ge=500, le=30_000, description="Milliseconds that an interaction waits for Kafka's acknowledgement."
    )
    max_body_bytes: int = Field(64 * 1024, ge=1024, le=1024 * 1024, description="Largest body of a request in bytes.")
    max_exposures: int = Field(
        20_000, ge=1, description="Exposures that may wait for Kafka. Further ones are dropped and counted."
    )
    drain_s: float = Field(
        3.0,
        ge=0,
        le=60,
        description="Seconds after SIGTERM in which the instance is not ready and still answers requests.",
    )
    stop_within_s: float = Field(
        5.0, ge=0, le=60, description="Seconds after that for in-flight requests and exposures."
    )
