"""Settings of the jobs, read where a job is submitted (HEADRACE_JOB_...) and fixed for its run."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from schemas.redis_keys import LIST_LIFETIME_S

MAX_MEASURED_EVERY_S = 3600
"""A point of recommendations is stamped with the start of its window: so much earlier than what it counts, at most."""


class JobSettings(BaseSettings):
    """What a job's owner may change without touching its SQL."""

    model_config = SettingsConfigDict(env_prefix="HEADRACE_JOB_", frozen=True, extra="ignore")

    duplicates_lifetime_s: int = Field(3600, ge=60, description="how long clean_telemetry remembers an identity")
    detector: str = Field("gaussian", description="a name of models/detectors/catalogue.py")
    buckets: int = Field(4, ge=1, le=128, description="fleets that share the series; a change starts the models cold")
    micro_batch_ms: int = Field(
        100, ge=20, le=10_000, description="how long a job gathers records before Python reads them"
    )
    snapshot_every: int = Field(100, ge=1, description="micro-batches of a bucket between two snapshots of its fleet")
    usage_counted_every_s: int = Field(600, ge=1, le=3600, description="how long count_usage gathers what it counts")
    measured_every_s: int = Field(
        60, ge=1, le=MAX_MEASURED_EVERY_S, description="how long measure_recommendations gathers feedback"
    )
    answered_within_min: int = Field(
        60, ge=1, le=99, description="how long after a list measure_recommendations counts what answers it"
    )
    recommend_users: int = Field(100_000, ge=1, description="users whose history recommend_items keeps")
    recommend_items: int = Field(5_000, ge=16, le=20_000, description="items that it knows; its table is 4 n² bytes")
    recommend_history: int = Field(100, ge=20, le=1000, description="interactions of a user that it keeps")
    recommend_shards: int = Field(1, ge=1, le=16, description="workers that share the lists; each learns everything")
    recommend_lifetime_s: int = Field(LIST_LIFETIME_S, ge=60, description="how long a list stays in Redis unchanged")
    transaction_timeout_ms: int = Field(24 * 3600 * 1000, description="how long a stopped job's output can wait")
