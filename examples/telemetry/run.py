"""Streams the fleet, waits until everything has arrived, and compares."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from connectors.endpoints import Endpoints
from connectors.kafka.scan import scan
from examples.telemetry.dialects import DEVICES
from examples.telemetry.fleet import SHUTTLES, WATER, RecordedFleet
from examples.telemetry.latency import LatencyWatch
from examples.telemetry.planted_faults import EVERY_TICKS, PlantedFault
from headrace.publisher import Pace, Publisher
from headrace.reconciliation import balance as accounting
from headrace.reconciliation.balance import Balance
from headrace.reconciliation.totals import Totals
from schemas.anomaly_score import AnomalyScore
from schemas.topics import TELEMETRY_ANOMALIES, TELEMETRY_READINGS

TICKS_A_SECOND = 21
DRAINED_WITHIN_S = 240
FOUND_WITHIN_MS = 2000
"""Behind the last reading of a planted fault: an alert in this time has found it."""

WATCHED = ((WATER, "flow"), (SHUTTLES[0], "f1"), (SHUTTLES[6], "f7"))


@dataclass(frozen=True)
class DemoResult:
    """What was sent, what was found, and whether the two agree."""

    sent: int
    before: Totals
    balance: Balance
    fleet: RecordedFleet
    latency: LatencyWatch
    episodes: list[AnomalyScore]
    dialect_readings: int
    """From the devices that do not speak Headrace's JSON."""
    seconds: float

    @property
    def stored(self) -> int:
        return self.balance.totals.readings - self.before.readings

    @property
    def found(self) -> dict[PlantedFault, AnomalyScore]:
        """The alert of each planted fault that has one."""
        alerts = ((each, alert) for alert in self.episodes for each in self.fleet.planted if self._tells(alert, each))
        return dict(alerts)

    def _tells(self, alert: AnomalyScore, planted: PlantedFault) -> bool:
        began = self.fleet.planted_ms[planted]
        lasted_ms = planted.fault.readings * EVERY_TICKS * 1000 / TICKS_A_SECOND
        is_its = (alert.device, alert.metric) == (planted.device, planted.metric)
        return is_its and began <= alert.event_time <= began + lasted_ms + FOUND_WITHIN_MS

    @property
    def surprises(self) -> list[str]:
        """Where the counts are not those of what was mixed in; empty if all is well."""
        after, before = self.balance.totals, self.before
        arrived = after.messages - before.messages + _door(after) - _door(before)
        checks: list[tuple[str, int, int]] = [
            ("messages", self.sent, arrived),
            ("duplicates", self.fleet.duplicates, after.duplicates - before.duplicates),
            ("late readings", self.fleet.late, after.late - before.late),
        ]
        checks.append(("readings of other formats", self.fleet.dialects.readings, self.dialect_readings))
        if not before.readings:  # detectors that know the recording may know a fault of an earlier run
            checks.append(("planted faults", len(self.fleet.planted), len(self.found)))
        found = rejected_by_reason(after, before)
        checks += [(reason, count, found.get(reason, 0)) for reason, count in self.fleet.expected.items()]
        return [f"{what}: {sent} sent, {seen} found" for what, sent, seen in checks if sent != seen]


def stream(endpoints: Endpoints, ledger: Path, console: Console, ticks: int) -> DemoResult:
    """The demo on a stack whose jobs run. `ledger` is that of its balances."""
    before = accounting.reconcile(endpoints, ledger).totals
    fleet = RecordedFleet(ticks, seed=time.time_ns())
    latency = LatencyWatch(endpoints, WATCHED).start()
    publisher = Publisher(endpoints, "headrace-demo")
    started = time.time()
    with _progress(console) as progress:
        task = progress.add_task("streaming the fleet", total=ticks)
        pace = Pace(TICKS_A_SECOND)
        for messages in fleet:
            for message in messages:
                publisher.publish(message.device, message.payload, message.topic)
            progress.advance(task)
            pace.wait()
    publisher.close()
    seconds = time.time() - started
    balance = drained(endpoints, ledger, console)
    latency.stop()
    episodes = [score for score in _scores(endpoints) if score.event_time >= started * 1000]
    of_dialects = _dialect_readings(endpoints, int(started * 1000))
    return DemoResult(publisher.acknowledged, before, balance, fleet, latency, episodes, of_dialects, seconds)


def drained(endpoints: Endpoints, ledger: Path, console: Console) -> Balance:
    """The balance once there is a verdict, or the last one without."""
    with console.status("waiting for the last windows to close (up to 80 s)") as status:
        return accounting.until_drained(
            endpoints,
            ledger,
            DRAINED_WITHIN_S,
            on_waiting=lambda taken: status.update(f"up to 80 s until the last windows are closed: {taken.waiting[0]}"),
        )


def rejected_by_reason(after: Totals, before: Totals) -> dict[str, int]:
    """Dead letters of the cleaning and of the bridge that came between two balances."""

    def count(totals: Totals) -> dict[str, int]:
        counts = dict(totals.rejected)
        for (_, reason), number in totals.refused_elsewhere.items():
            counts[reason] = counts.get(reason, 0) + number
        return counts

    earlier = count(before)
    new = {reason: number - earlier.get(reason, 0) for reason, number in count(after).items()}
    return {reason: number for reason, number in sorted(new.items()) if number}


def _door(totals: Totals) -> int:
    return sum(count for (stage, _), count in totals.refused_elsewhere.items() if stage in ("mqtt_bridge", "listener"))


def _scores(endpoints: Endpoints) -> list[AnomalyScore]:
    """The first flagged reading of every episode."""
    parse: Callable[[bytes], AnomalyScore] = AnomalyScore.model_validate_json
    scores = (parse(record.value) for record in scan(endpoints.kafka, TELEMETRY_ANOMALIES))
    return [score for score in scores if score.is_anomaly and score.episode == score.event_time]


def _dialect_readings(endpoints: Endpoints, since_ms: int) -> int:
    records = scan(endpoints.kafka, TELEMETRY_READINGS)
    return sum(1 for record in records if record.key in DEVICES and record.timestamp >= since_ms)


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    )
