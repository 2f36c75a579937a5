"""What deserves a person's attention, each with what to do next. Pure rules over the figures."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from headrace.monitoring.capture import CaptureFigures
from headrace.monitoring.corrections import CorrectionFigures
from headrace.monitoring.jobs import RECENT_S, JobFigures
from headrace.monitoring.mqtt import MqttFigures
from headrace.monitoring.processes import ProcessFigures
from headrace.monitoring.quarantine import QuarantineFigures
from headrace.monitoring.retention import SHARE, Unread
from headrace.monitoring.series import LimitFigures
from headrace.monitoring.topics import TopicFigures
from headrace.sources.applied import AppliedSources
from jobs.names import CLEAN_TELEMETRY
from schemas.topics import TELEMETRY_LATE

LAG_RECORDS = 10_000
WATERMARK_LAG_S = 120
LATE_SHARE = 0.05
LATE_AT_LEAST = 100
"""Of a handful of readings one late one is a large share, and no pattern. Offsets count transaction markers too."""
LOOP_FAILURES = 3
HELD_BYTES = 2**30
CHECKPOINT_AGE_S = 90
DISK_FREE_BYTES = 2 * 2**30
# A run may wait for the store as long as the pause lasts.
CORRECTIONS_MISSED = 2
CORRECTION_TAKES_S = 60
WAITING_MESSAGES = 100_000
"""At the MQTT broker: what a bridge fetches in about 10 s."""
FILLED_SHARE = 0.8
LOSS_IS_RECENT_MS = 24 * 3600 * 1000
APPLY = "headrace source apply"
SERIES_LIMITS = "docs/how-to/operating.md, Series limits"
STOPPED_READER = "start what reads it (headrace submit), or keep records longer: docs/explanation/backpressure.md"


@dataclass(frozen=True)
class Alarm:
    """One line: what is wrong, and what to do next."""

    wrong: str
    next: str


def of_processes(processes: Sequence[ProcessFigures]) -> Iterator[Alarm]:
    for each in processes:
        # supervisord says STARTING in the first 3 s of a server, also of one that `headrace up` has found ready.
        if each.state not in ("RUNNING", "STARTING"):
            yield Alarm(f"{each.name} is {each.state}", f"headrace logs {each.name}; then headrace up")
        elif each.restarts and each.uptime_s < RECENT_S:
            yield Alarm(
                f"{each.name} was restarted {each.uptime_s} s ago ({each.restarts} restarts in all)",
                f"headrace logs {each.name} -n 200",
            )


def of_jobs(jobs: Sequence[JobFigures], newest_event_ms: int | None, flink: str) -> Iterator[Alarm]:
    for job in jobs:
        page = f"http://{flink}/#/job/{'completed' if job.state == 'FAILED' else 'running'}/{job.id}"
        if job.state == "FAILED":
            yield Alarm(f"{job.name} has failed: {job.last_failure}", f"read {page}/exceptions, then submit it again")
        elif job.recent_failures >= LOOP_FAILURES:
            yield Alarm(
                f"{job.name} restarts in a loop ({job.recent_failures} failures in 5 min): {job.last_failure}",
                f"read {page}/exceptions; headrace logs taskmanager",
            )
        yield from _of_progress(job, newest_event_ms, page)


def _of_progress(job: JobFigures, newest_event_ms: int | None, page: str) -> Iterator[Alarm]:
    age = job.checkpoint_age_s
    if job.state == "RUNNING" and job.running_s > CHECKPOINT_AGE_S and (age is None or age > CHECKPOINT_AGE_S):
        last = "none" if age is None else f"the last {age} s ago"
        yield Alarm(f"{job.name} completes no checkpoints ({last})", f"look for a blocked sink: {page}/checkpoints")
    lag_s = watermark_lag_s(job, newest_event_ms)
    if lag_s is not None and lag_s > WATERMARK_LAG_S:
        yield Alarm(
            f"{job.name}'s watermark is {lag_s} s behind the newest reading",
            "a partition that stands still holds it back: compare partitions and lag above",
        )


def watermark_lag_s(job: JobFigures, newest_event_ms: int | None) -> int | None:
    """Against the newest reading and not the clock: a quiet fleet and a replay of old data are no alarm."""
    if job.watermark_ms is None or newest_event_ms is None:
        return None
    return max(0, (newest_event_ms - job.watermark_ms) // 1000)


def of_topics(topics: TopicFigures) -> Iterator[Alarm]:
    for (group, topic), lag in sorted(topics.lags.items()):
        if lag > LAG_RECORDS:
            yield Alarm(
                f"{group} is {lag:,} records behind in {topic}",
                "look again in a minute: if it grows, find the busy operator on the dashboard or raise the parallelism",
            )
    if topics.kept.get(TELEMETRY_LATE.name, 0) >= LATE_AT_LEAST and topics.late_share > LATE_SHARE:
        yield Alarm(
            f"{topics.late_share:.0%} of the readings are late and in no window",
            "read telemetry.late: one device means its clock or its link, all mean a longer out-of-orderness",
        )


def of_quarantine(quarantine: QuarantineFigures) -> Iterator[Alarm]:
    for stage, n in sorted(quarantine.by_stage.items()):
        yield Alarm(
            f"{stage} has quarantined {n:,} record{'s' if n > 1 else ''} in the last 24 h: each failed it three times",
            f"headrace dlq ls --reason quarantined --stage {stage}; the newest of all: headrace dlq show "
            f"{quarantine.newest}",
        )


def of_series(limits: Sequence[LimitFigures]) -> Iterator[Alarm]:
    """The limits at the entrance that are reached, or soon will be."""
    for each in limits:
        if each.count >= each.limit:
            yield Alarm(
                f"{CLEAN_TELEMETRY} has reached its limit of {each.limit:,} {each.counted} ({each.variable}): readings "
                "of new series become dead letters",
                f"headrace dlq ls --reason too_many_series; then {SERIES_LIMITS}",
            )
        elif each.count >= FILLED_SHARE * each.limit:
            yield Alarm(
                f"{CLEAN_TELEMETRY} has {each.count:,} of {each.limit:,} {each.counted} ({each.variable}): beyond the "
                "limit, readings of new series become dead letters",
                f"look for names that change with each message, or raise the limit: {SERIES_LIMITS}",
            )


def of_capture(capture: CaptureFigures) -> Iterator[Alarm]:
    for fault in capture.faults:
        yield Alarm(f"change capture: {fault.wrong}", fault.next)
    if capture.error and not capture.faults:
        yield Alarm(f"changes are not captured: {capture.error}", "headrace logs connect, headrace logs postgres")
    if capture.held_bytes > HELD_BYTES:
        yield Alarm(
            f"PostgreSQL keeps {capture.held_bytes / 2**30:.1f} GiB of its log for change capture",
            "headrace cdc status; without Connect for good: headrace cdc remove",
        )


def of_retention(unread: Sequence[Unread]) -> Iterator[Alarm]:
    """One for each group and topic, of its worst partition."""
    worst: dict[tuple[str, str], Unread] = {}
    for each in unread:
        known = worst.setdefault((each.group, each.topic), each)
        if _urgency(each) > _urgency(known):
            worst[each.group, each.topic] = each
    for each in worst.values():
        yield from _of_unread(each)


def _urgency(unread: Unread) -> tuple[int, float]:
    return unread.dropped, max(unread.age_share, unread.size_share)


def _of_unread(unread: Unread) -> Iterator[Alarm]:
    where = f"{unread.topic}[{unread.partition}]"
    retention_ms, retention_bytes = unread.limits.retention_ms, unread.limits.retention_bytes
    if unread.dropped:
        yield Alarm(
            f"{unread.group} never read {unread.dropped:,} offsets of {where}: they were older or more than the topic "
            "keeps",
            "what they held is in the topics before it, if at all: docs/explanation/backpressure.md",
        )
    elif retention_ms and unread.age_share > SHARE:
        yield Alarm(
            f"{unread.group} has not read {where} for {_days(unread.age_ms)}: Kafka removes records after "
            f"{_days(retention_ms)}",
            STOPPED_READER,
        )
    elif retention_bytes and unread.size_share > SHARE:
        yield Alarm(
            f"{unread.group} has {unread.size_bytes / 2**20:,.0f} MiB of {where} unread: Kafka removes what is more "
            f"than {retention_bytes / 2**20:,.0f} MiB",
            STOPPED_READER,
        )


def _days(ms: int) -> str:
    hours = ms / 3_600_000
    return f"{hours / 24:.1f} days" if hours >= 48 else f"{hours:.1f} h"


def of_mqtt(mqtt: MqttFigures) -> Iterator[Alarm]:
    """The MQTT broker's queue, and what was lost between it and the bridge."""
    if mqtt.error:
        yield Alarm(f"the MQTT broker does not answer: {mqtt.error}", "headrace logs mosquitto")
    yield from _of_drops(mqtt)
    waiting = mqtt.broker.waiting if mqtt.broker else None
    if mqtt.broker is not None and waiting is not None and waiting > WAITING_MESSAGES:
        size = "" if mqtt.broker.waiting_bytes is None else f" ({mqtt.broker.waiting_bytes / 2**20:,.0f} MiB)"
        yield Alarm(
            f"{waiting:,} messages{size} wait at the MQTT broker",
            "headrace logs bridge; if it runs and the number grows, start more bridges: docs/how-to/operating.md",
        )
    for client_id, loss in mqtt.losses:
        if loss.until > mqtt.now_ms - LOSS_IS_RECENT_MS:
            yield Alarm(
                f"the MQTT broker lost the session of {client_id}: up to {(loss.until - loss.since) / 1000:,.0f} s of "
                "messages may be missing",
                "headrace balance names the period; docs/how-to/operating.md, Lost MQTT sessions",
            )


def _of_drops(mqtt: MqttFigures) -> Iterator[Alarm]:
    if mqtt.drops.some_since(mqtt.now_ms - LOSS_IS_RECENT_MS):
        yield Alarm(
            f"the MQTT broker has dropped {mqtt.drops.count:,} messages, because a queue was full",
            "find the client that does not fetch its messages: the bridge (headrace logs bridge), or another session",
        )
    elif mqtt.drops.count is None and mqtt.broker is not None:
        yield Alarm(
            "how many messages the MQTT broker has dropped is unknown: neither it nor a bridge says",
            "headrace logs bridge; docs/how-to/operating.md, Lost MQTT sessions",
        )


def of_corrections(corrections: CorrectionFigures | None) -> Iterator[Alarm]:
    if corrections is None:
        return
    if corrections.error:
        yield Alarm(f"windows are not corrected: {corrections.error}", "headrace logs corrector")
    elif corrections.age_s > CORRECTIONS_MISSED * corrections.every_s + CORRECTION_TAKES_S:
        yield Alarm(f"the corrector has reported nothing for {corrections.age_s} s", "headrace logs corrector")


def of_disk(home: Path) -> Iterator[Alarm]:
    free = shutil.disk_usage(home).free
    if free < DISK_FREE_BYTES:
        yield Alarm(
            f"Only {free / 2**30:.1f} GiB are free below {home}", "free space, or shorten retention in schemas/"
        )


def of_sources(applied: AppliedSources, file: Path, stale: Sequence[str], cleaning_runs: bool) -> Iterator[Alarm]:
    """`stale` names the entrances that have run since before the file was written."""
    if not cleaning_runs and applied.unfinished():
        yield Alarm(f"{CLEAN_TELEMETRY} was stopped by a `headrace source apply` that was interrupted", APPLY)
    elif applied.differs_from(file):
        yield Alarm(f"{file.name} has changed since it was applied", APPLY)
    elif stale:
        yield Alarm(f"{file.name} has been written since {', '.join(stale)} read it", APPLY)
