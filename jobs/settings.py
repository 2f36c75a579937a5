"""Settings of the jobs, read where a job is submitted (HEADRACE_JOB_...) and fixed for its run."""

from typing import ClassVar

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from schemas.limits import MAX_MESSAGE_ITEMS
from schemas.redis_keys import DAY_S, LIST_LIFETIME_S
from schemas.setting import stated_default
from schemas.sources import Sources
from schemas.sources_file import parse_sources

MAX_MEASURED_EVERY_S = 3600
"""A point of recommendations is stamped with the start of its window: so much earlier than what it counts, at most."""

MAX_LIMIT = 20_000_000
"""Series: their keys take about 0.5 GB of the TaskManager's heap then."""


class JobSettings(BaseSettings):
    """What can be changed of a job without changing its SQL. The values are fixed for the run of the job."""

    READ_BY: ClassVar[str] = "`headrace submit`, for the jobs that it submits"
    model_config = SettingsConfigDict(env_prefix="HEADRACE_JOB_", frozen=True, extra="ignore")

    duplicates_lifetime_s: int = Field(
        3600, ge=60, description="Seconds that `clean_telemetry` remembers a reading, to recognize its duplicates."
    )
    max_series: int = Field(
        100_000,
        ge=1,
        le=MAX_LIMIT,
        description="Series (a device and a metric) whose readings `clean_telemetry` lets pass.",
    )
    max_devices: int = Field(
        50_000, ge=1, le=MAX_LIMIT, description="Devices whose readings `clean_telemetry` lets pass."
    )
    max_metrics_per_device: int = Field(
        MAX_MESSAGE_ITEMS,
        ge=1,
        le=MAX_LIMIT,
        description="Metrics of one device that `clean_telemetry` lets pass. By default what one message can hold.",
    )
    series_lifetime_s: int = Field(
        30 * DAY_S,
        ge=1,
        le=10 * 365 * DAY_S,
        description="Seconds after its last reading for which a series counts for the three limits above. Silent for "
        "longer, it is forgotten by `score_anomalies`: if it comes back, its model begins anew.",
    )
    sources: str | None = Field(
        None,
        description="Text of a sources.toml, by which `clean_telemetry` decodes; `headrace submit` reads the file.",
        json_schema_extra=stated_default("the default source"),
    )
    detector: str = Field(
        "novelty", description="Detector of `score_anomalies`, a name of models/detectors/catalogue.py."
    )
    alerts_per_week: float = Field(
        0.3,
        gt=0,
        le=1000,
        description="Alerts of a series and week that are about right while nothing is wrong with it.",
    )
    device_groups_per_week: float = Field(
        20.0,
        gt=0,
        le=1_000_000,
        description="Groups of alerts of a device and week that are within its budget. Those over it are marked.",
    )
    buckets: int = Field(
        4,
        ge=1,
        le=128,
        description="Fleets that `score_anomalies` divides the series among. A change makes all models start cold.",
    )
    micro_batch_ms: int = Field(
        100, ge=20, le=10_000, description="Milliseconds that a job gathers records into a micro-batch for Python."
    )
    snapshot_every: int = Field(
        100, ge=1, description="Micro-batches of a bucket between two snapshots of its fleet's state."
    )
    idle_timeout_s: int = Field(
        60,
        ge=1,
        le=3600,
        description="Seconds without records after which `window_telemetry` and `window_usage` go on without a "
        "partition. Below 30, a cold start counts readings of a backlog as late.",
    )
    usage_counted_every_s: int = Field(
        600, ge=1, le=3600, description="Seconds of usage that `count_usage` sums up before it emits the counts."
    )
    measured_every_s: int = Field(
        60,
        ge=1,
        le=MAX_MEASURED_EVERY_S,
        description="Seconds of feedback that `measure_recommendations` sums up into one point.",
    )
    answered_within_min: int = Field(
        60,
        ge=1,
        le=99,
        description="Minutes after a list in which `measure_recommendations` attributes interactions to it.",
    )
    recommend_users: int = Field(
        100_000, ge=1, description="Users whose history `recommend_items` keeps; those who were active last."
    )
    recommend_items: int = Field(
        5_000, ge=16, le=20_000, description="Items that `recommend_items` knows. Its table takes 4 n² bytes of memory."
    )
    recommend_history: int = Field(
        100, ge=20, le=1000, description="Interactions that `recommend_items` keeps of each user."
    )
    recommend_shards: int = Field(
        1, ge=1, le=16, description="Workers that share the making of lists. Each learns from all interactions."
    )
    recommend_lifetime_s: int = Field(
        LIST_LIFETIME_S, ge=60, description="Seconds that a list stays in Redis after its last change."
    )
    transaction_timeout_ms: int = Field(24 * 3600 * 1000, description="Milliseconds a stopped job's output can wait.")

    @classmethod
    def variable(cls, setting: str) -> str:
        """The environment variable of a setting.

        Examples
        --------
        >>> JobSettings.variable("max_series")
        'HEADRACE_JOB_MAX_SERIES'
        """
        return f"{cls.model_config['env_prefix']}{setting.upper()}"

    def declared_sources(self) -> Sources:
        """What `sources` declares. Raises BadSources."""
        return parse_sources(self.sources)
