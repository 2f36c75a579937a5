"""`headrace status`: processes, jobs, alarms."""

import json
from dataclasses import asdict, dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from headrace.cli.options import AsJson, Home, PortOffset

if TYPE_CHECKING:
    from connectors.mqtt_broker_figures import MqttBrokerFigures
    from headrace.monitoring.alarms import Alarm
    from headrace.monitoring.capture import CaptureFigures
    from headrace.monitoring.corrections import CorrectionFigures
    from headrace.monitoring.jobs import JobFigures
    from headrace.monitoring.mqtt import MqttFigures
    from headrace.monitoring.processes import ProcessFigures
    from headrace.monitoring.quarantine import QuarantineFigures
    from headrace.monitoring.retention import Unread
    from headrace.monitoring.series import LimitFigures
    from headrace.monitoring.topics import TopicFigures
    from stack.layout import Layout


UNBOUNDED = 10_000
"""Columns: wider than any table."""


def status(home: Home = None, port_offset: PortOffset = None, as_json: AsJson = False) -> None:
    """Show processes, jobs, consumer lag and alarms, each alarm with what to do next.

    Exits with 1 if there is an alarm.
    """
    from stack.layout import Layout

    health = _examine(Layout.of(home, port_offset))
    if as_json:
        print(json.dumps(health.as_json(), indent=2))
    else:
        _print(health, Console())
    raise typer.Exit(1 if health.alarms else 0)


@dataclass
class _Health:
    processes: list["ProcessFigures"]
    jobs: list["JobFigures"] = field(default_factory=list)
    topics: "TopicFigures | None" = None
    quarantine: "QuarantineFigures | None" = None
    unread: list["Unread"] = field(default_factory=list)
    corrections: "CorrectionFigures | None" = None
    capture: "CaptureFigures | None" = None
    mqtt: "MqttFigures | None" = None
    series: list["LimitFigures"] = field(default_factory=list)
    alarms: list["Alarm"] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        lags = self.topics.lags if self.topics else {}
        return {
            "processes": [asdict(each) for each in self.processes],
            "jobs": [asdict(each) for each in self.jobs],
            "series": [asdict(each) for each in self.series],
            "lags": [{"group": group, "topic": topic, "records": lag} for (group, topic), lag in lags.items()],
            "unread": [_unread_as_json(each) for each in self.unread],
            "corrections": asdict(self.corrections) if self.corrections else None,
            "capture": asdict(self.capture) if self.capture else None,
            "mqtt": self.mqtt.as_json() if self.mqtt else None,
            "dead_letters": _dead_letters(self.topics) if self.topics else None,
            "quarantined": asdict(self.quarantine) if self.quarantine else None,
            "late_share": self.topics.late_share if self.topics else None,
            "alarms": [asdict(each) for each in self.alarms],
        }


def _examine(layout: "Layout") -> _Health:
    from headrace.monitoring import alarms, corrections, processes
    from stack.corrector import Corrector

    health = _Health(processes.collect(layout))
    health.alarms += alarms.of_processes(health.processes)
    _examine_mqtt(health, layout)
    _examine_topics(health, layout)
    _examine_jobs(health, layout)
    _examine_capture(health, layout)
    health.corrections = corrections.collect(Corrector(layout).report)
    health.alarms += alarms.of_corrections(health.corrections)
    health.alarms += alarms.of_disk(layout.home)
    _examine_sources(health, layout)
    return health


def _examine_sources(health: _Health, layout: "Layout") -> None:
    from headrace.monitoring import alarms
    from headrace.sources.applied import AppliedSources
    from headrace.sources.entrances import NAMES, older_than
    from jobs.names import CLEAN_TELEMETRY
    from schemas.errors import TerminalError

    file = layout.settings.sources_file
    began_s = {each.name: each.started_s for each in health.processes if each.name in NAMES and each.pid}
    cleaning_runs = any(each.name == CLEAN_TELEMETRY and each.state != "FAILED" for each in health.jobs)
    try:
        applied = AppliedSources.of_stack(layout)
        health.alarms += alarms.of_sources(applied, file, older_than(file, began_s), cleaning_runs)
    except TerminalError as error:  # the file or the record cannot be read
        health.alarms.append(alarms.Alarm(str(error), "headrace source ls"))


def _examine_topics(health: _Health, layout: "Layout") -> None:
    from connectors.kafka.clients import KafkaClientError
    from headrace.monitoring import alarms, quarantine, retention, topics

    try:
        health.topics = topics.collect(layout.endpoints.kafka)
        health.alarms += alarms.of_topics(health.topics)
        health.quarantine = quarantine.collect(layout.endpoints.kafka)
        health.alarms += alarms.of_quarantine(health.quarantine)
        health.unread = retention.collect(layout.endpoints.kafka)
        health.alarms += alarms.of_retention(health.unread)
    except KafkaClientError as error:
        health.alarms.append(alarms.Alarm(str(error), "headrace logs kafka"))


def _examine_mqtt(health: _Health, layout: "Layout") -> None:
    from headrace.monitoring import alarms, mqtt

    if any(each.name == "mosquitto" for each in health.processes):
        health.mqtt = mqtt.collect(layout.endpoints)
        health.alarms += alarms.of_mqtt(health.mqtt)


def _examine_capture(health: _Health, layout: "Layout") -> None:
    from headrace.monitoring import alarms, capture

    if "connect" in layout.extras:
        health.capture = capture.collect(layout.capture, layout.endpoints.kafka)
        health.alarms += alarms.of_capture(health.capture)


def _examine_jobs(health: _Health, layout: "Layout") -> None:
    from connectors.flink_rest import FlinkUnavailable
    from headrace.monitoring import alarms, jobs, series
    from jobs.names import CLEAN_TELEMETRY

    newest = health.topics.newest_event_ms if health.topics else None
    try:
        health.jobs = jobs.collect(layout.endpoints.flink)
        health.alarms += alarms.of_jobs(health.jobs, newest, layout.endpoints.flink)
        for job in health.jobs:
            if job.name == CLEAN_TELEMETRY and job.state == "RUNNING":
                health.series = series.collect(layout.endpoints.flink, job.id)
        health.alarms += alarms.of_series(health.series)
    except FlinkUnavailable as error:
        health.alarms.append(alarms.Alarm(str(error).partition(". See")[0], "headrace logs jobmanager"))


def _print(health: _Health, console: Console) -> None:
    console.print(_process_table(health.processes))
    console.print(_job_table(health) if health.jobs else "No jobs run.")
    if health.series:
        counts = ", ".join(f"{each.count:,} of {each.limit:,} {each.counted}" for each in health.series)
        console.print(counts, highlight=False, soft_wrap=True)
    if health.topics and health.topics.lags:
        console.print(_lag_table(health.topics, console))
    if health.mqtt and health.mqtt.broker:
        console.print(_mqtt_table(health.mqtt.broker, health.mqtt.drops.count, len(health.mqtt.losses)))
    if health.topics and any(offsets := _dead_letters(health.topics).values()):
        kept, gone = offsets
        console.print(f"dead letters: up to {kept:,} kept, up to {gone:,} removed by retention. See: headrace dlq ls")
    if health.corrections and not health.corrections.error:
        console.print(_corrected(health.corrections), highlight=False)
    if health.capture and not health.capture.error:
        waits = f"{health.capture.unconfirmed_bytes:,} bytes of PostgreSQL's log wait"
        console.print(f"change capture runs, {waits}", highlight=False)
    for alarm in health.alarms:
        console.print(
            f"[red]ALARM[/] {escape(alarm.wrong)}. Next: {escape(alarm.next)}", soft_wrap=True, highlight=False
        )
    if not health.alarms:
        console.print("[green]No alarms.[/]")


def _table(*columns: str, names: int = 1) -> Table:
    """The first `names` columns are never cut: where the terminal is too narrow, the others break at their spaces."""
    table = Table(box=None, header_style="bold", padding=(0, 1, 0, 0))
    for number, column in enumerate(columns):
        table.add_column(column, no_wrap=number < names, overflow="fold")
    return table


def _process_table(processes: list["ProcessFigures"]) -> Table:
    table = _table("process", "state", "pid", "memory", "up", "restarts")
    for each in processes:
        up = _duration(each.uptime_s)
        table.add_row(each.name, each.state, str(each.pid or ""), _mib(each.memory_bytes), up, str(each.restarts))
        if each.workers:
            table.add_row(f"  {each.workers} Python workers", "", "", _mib(each.workers_memory_bytes), "", "")
    total = sum(each.memory_bytes + each.workers_memory_bytes for each in processes)
    table.add_row("together", "", "", _mib(total), "", "")
    return table


def _job_table(health: _Health) -> Table:
    from headrace.monitoring.alarms import watermark_lag_s

    newest = health.topics.newest_event_ms if health.topics else None
    table = _table("job", "state", "up", "restarts", "last checkpoint", "watermark behind", names=2)
    for job in health.jobs:
        age = "never" if job.checkpoint_age_s is None else f"{job.checkpoint_age_s} s ago"
        lag = watermark_lag_s(job, newest)
        behind = "" if lag is None else f"{lag} s"
        table.add_row(job.name, job.state, _duration(job.running_s), str(job.restarts), age, behind)
    return table


def _lag_table(topics: "TopicFigures", console: Console) -> Table:
    """A line each; where both names do not fit beside each other, a consumer stands above its topics."""
    lags = sorted(topics.lags.items())
    table = _table("consumer", "topic", "records behind", names=2)
    for (group, topic), lag in lags:
        table.add_row(group, topic, f"{lag:,}")
    unbounded = console.options.update(max_width=UNBOUNDED)  # else measured as it would be squeezed
    fits = console.measure(table, options=unbounded).maximum <= console.width
    return table if fits else _narrow_lag_table(lags)


def _narrow_lag_table(lags: list[tuple[tuple[str, str], int]]) -> Table:
    table = _table("consumer, topic", "records behind")
    for group, of_group in groupby(lags, key=lambda each: each[0][0]):
        table.add_row(group)
        for (_, topic), lag in of_group:
            table.add_row(f"  {topic}", f"{lag:,}")
    return table


def _mqtt_table(broker: "MqttBrokerFigures", dropped: int | None, losses: int) -> Table:
    table = _table("MQTT clients", "sessions", "messages waiting", "bytes", "dropped", "lost sessions", names=0)
    counts = (broker.connected, broker.sessions, broker.waiting, broker.waiting_bytes, dropped, losses)
    table.add_row(*("unknown" if count is None else f"{count:,}" for count in counts))
    return table


def _corrected(last: "CorrectionFigures") -> str:
    left = f", {last.left:,} late readings left for the next" if last.left else ""
    return f"last correction {_duration(last.age_s)} ago: {last.corrected:,} windows, {last.late:,} late readings{left}"


def _unread_as_json(unread: "Unread") -> dict[str, Any]:
    return asdict(unread) | {"age_share": unread.age_share, "size_share": unread.size_share}


def _dead_letters(topics: "TopicFigures") -> dict[str, int]:
    """Offsets, so upper bounds of the dead letters: transaction markers take offsets too."""
    from schemas.topics import DEAD_LETTERS

    name = DEAD_LETTERS.name
    return {"kept_offsets": topics.kept.get(name, 0), "gone_offsets": topics.gone.get(name, 0)}


def _mib(size: int) -> str:
    return f"{size / 2**20:,.0f} MiB" if size else ""


def _duration(seconds: int) -> str:
    """Seconds in the two largest units.

    >>> _duration(3725)
    '1 h 2 min'
    """
    minutes, hours = seconds // 60, seconds // 3600
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min {seconds % 60} s" if minutes else f"{seconds} s"
