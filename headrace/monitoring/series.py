"""How many series, devices and metrics per device clean_telemetry knows, and their limits: gauges of its operator."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connectors.flink_rest import FlinkRest
from jobs.settings import JobSettings

OPERATOR = "limit-series"
SETTINGS = {"series": "max_series", "devices": "max_devices", "metrics per device": "max_metrics_per_device"}
"""What is counted -> the setting with its limit."""
GAUGES = {counted: counted.replace(" ", "_") for counted in SETTINGS}
"""What is counted -> the gauge that counts it; `GAUGE_limit` has the limit."""


@dataclass(frozen=True)
class LimitFigures:
    """One limit. Where the job has several subtasks, as the one says that is nearest to it."""

    counted: str
    count: int
    limit: int

    @property
    def variable(self) -> str:
        """The environment variable that sets the limit."""
        return JobSettings.variable(SETTINGS[self.counted])


def collect(address: str, job_id: str) -> list[LimitFigures]:
    """Of a job that runs; none before its operator has started.

    Raises
    ------
    FlinkUnavailable
        The JobManager does not answer.
    """
    with FlinkRest(address, timeout_s=5) as flink:
        vertices = flink.find(f"/jobs/{job_id}").get("vertices", [])
        vertex = next((each["id"] for each in vertices if OPERATOR in each["name"]), None)
        return [] if vertex is None else figures(_gauges(flink, f"/jobs/{job_id}/vertices/{vertex}"))


def figures(gauges: Mapping[str, float]) -> list[LimitFigures]:
    """Of the operator's gauges, by their names; those that are there.

    Examples
    --------
    >>> figures({"series": 3.0, "series_limit": 9.0, "devices": 1.0})
    [LimitFigures(counted='series', count=3, limit=9)]
    """
    return [
        LimitFigures(counted, int(gauges[name]), int(gauges[f"{name}_limit"]))
        for counted, name in GAUGES.items()
        if name in gauges and f"{name}_limit" in gauges
    ]


def _gauges(flink: FlinkRest, vertex: str) -> dict[str, float]:
    wanted = ",".join(f"{OPERATOR}.{name}{suffix}" for name in GAUGES.values() for suffix in ("", "_limit"))
    found: list[dict[str, Any]] = []
    for _ in range(3):  # the JobManager fetches metrics when they are asked for: the first answer may be empty
        found = flink.find(f"{vertex}/subtasks/metrics?get={wanted}&agg=max") or []
        if found:
            break
        time.sleep(0.1)
    return {each["id"].removeprefix(f"{OPERATOR}."): each["max"] for each in found}
