"""Figures of Flink's jobs, from its REST API (docs: ops/rest_api)."""

import itertools
import time
from dataclasses import dataclass
from typing import Any

from connectors.flink_rest import FlinkRest

RECENT_S = 300
ENDED = ("FINISHED", "CANCELED")
# Flink's "no watermark yet" and "no more records": Long.MIN_VALUE and Long.MAX_VALUE.
NO_WATERMARK = (-(2**63), 2**63 - 1)
TRACEBACK = "Traceback (most recent call last):"
MAX_CAUSE_LENGTH = 200


@dataclass(frozen=True)
class JobFigures:
    """One job. Ages and durations in seconds; None: there is none yet."""

    id: str
    name: str
    state: str
    running_s: int
    restarts: int
    recent_failures: int
    """Within the last 5 minutes."""
    last_failure: str | None
    checkpoint_age_s: int | None
    watermark_ms: int | None
    """The lowest of all its operators, event time in ms since the epoch."""


def collect(address: str) -> list[JobFigures]:
    """Of the jobs that run, and of those that failed for good.

    Raises
    ------
    FlinkUnavailable
        The JobManager does not answer.
    """
    with FlinkRest(address, timeout_s=5) as flink:
        jobs = [job for job in flink.find("/jobs/overview")["jobs"] if job["state"] not in ENDED]
        running = {job["name"] for job in jobs if job["state"] != "FAILED"}
        jobs = [job for job in jobs if job["state"] != "FAILED" or job["name"] not in running]
        return [_figures(flink, job) for job in sorted(jobs, key=lambda job: job["name"])]


def _figures(flink: FlinkRest, job: dict[str, Any]) -> JobFigures:
    path = f"/jobs/{job['jid']}"
    failures = flink.find(f"{path}/exceptions?maxExceptions=20").get("exceptionHistory", {}).get("entries", [])
    since_ms = (time.time() - RECENT_S) * 1000
    return JobFigures(
        id=job["jid"],
        name=job["name"],
        state=job["state"],
        running_s=job["duration"] // 1000,
        restarts=_restarts(flink, path),
        recent_failures=sum(each["timestamp"] >= since_ms for each in failures),
        last_failure=cause_of(failures[0]) if failures else None,
        checkpoint_age_s=_checkpoint_age_s(flink, path),
        watermark_ms=_watermark_ms(flink, path),
    )


def _restarts(flink: FlinkRest, path: str) -> int:
    # The JobManager fetches metrics when they are asked for: the first answer may be empty.
    for _ in range(3):
        found = flink.find(f"{path}/metrics?get=numRestarts")
        if found:
            return int(found[0]["value"])
        time.sleep(0.1)
    return 0


def _checkpoint_age_s(flink: FlinkRest, path: str) -> int | None:
    latest = flink.find(f"{path}/checkpoints").get("latest") or {}
    completed = latest.get("completed")
    return max(0, int(time.time() - completed["latest_ack_timestamp"] / 1000)) if completed else None


def _watermark_ms(flink: FlinkRest, path: str) -> int | None:
    marks = []
    for vertex in flink.find(path).get("vertices", []):
        marks += [int(mark["value"]) for mark in flink.find(f"{path}/vertices/{vertex['id']}/watermarks")]
    return min((mark for mark in marks if mark not in NO_WATERMARK), default=None)


def cause_of(entry: dict[str, Any]) -> str:
    r"""The innermost cause of a failure in Flink's exception history, which is what a person needs to read first.

    An exception of a Python worker comes as the text of its traceback, whose last line says what went wrong.

    Examples
    --------
    >>> cause_of({"stacktrace": "a.B: failed\n\tat a.B.c\nCaused by: d.E: full\n\tat d.E.f"})
    'd.E: full'
    """
    text = entry.get("stacktrace", "")
    innermost = text.rpartition("Caused by: ")[2] if "Caused by: " in text else entry.get("exceptionName", "unknown")
    lines = innermost.splitlines() or ["unknown"]
    if lines[0].endswith(TRACEBACK):
        python = itertools.takewhile(lambda line: not line.startswith(("\tat ", "Caused by: ")), lines[1:])
        lines = [line for line in python if line and not line[0].isspace()][-1:] or lines
    return str(lines[0])[:MAX_CAUSE_LENGTH]
