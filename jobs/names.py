"""The jobs, in the order of the flow. Imports no pyflink: the command line reads this."""

CLEAN_TELEMETRY = "clean_telemetry"
"""The job that decodes payloads, by the declared sources."""

JOBS = (CLEAN_TELEMETRY, "window_telemetry", "score_anomalies", "store_influxdb", "store_redis")
"""What `headrace submit` submits if it is told nothing."""

OPTIONAL_JOBS = ("count_usage", "window_usage", "score_churn", "recommend_items", "measure_recommendations")
"""Submitted by name, since they need what not every stack has: a model, change capture, interactions."""

ALL_JOBS = (*JOBS, *OPTIONAL_JOBS)


PACKAGES = ("jobs", "flink", "connectors", "models", "payload_codecs", "schemas")
"""What travels with a job. Third-party packages must be in the cluster's Python (our image has them)."""


def consumer_group(job: str) -> str:
    """The group whose offsets in Kafka say how far a job has read.

    Examples
    --------
    >>> consumer_group("clean_telemetry")
    'headrace-clean_telemetry'
    """
    return f"headrace-{job}"


def transactional_id_prefix(job: str) -> str:
    """What the transactional ids of a job's sinks begin with; the topic's name follows.

    Examples
    --------
    >>> transactional_id_prefix("clean_telemetry")
    'headrace-clean_telemetry-'
    """
    return f"headrace-{job}-"
