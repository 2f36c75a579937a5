"""Takes the balance: reads on in the topics where the last one stopped, then looks into the stores.

For other code:

    taken = until_drained(endpoints, within_s=240)      # all that there is, again and again until there is a verdict
    taken.holds                                         # drained, and no difference
    [str(each) for each in taken.differences]           # "telemetry.raw[1] 120..131: items missing"
    taken.waiting                                       # what is still under way: why there is no verdict yet
    taken.totals.readings                               # sums

With the path of a ledger a balance reads only what is new since the last one with this ledger. Without, it reads
everything, and a store that lost what it once held is found out too.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from connectors.broker_drops import broker_drops
from connectors.endpoints import Endpoints
from connectors.influxdb.reader import InfluxDBReader
from connectors.kafka.bridge_sessions import bridge_sessions
from connectors.kafka.clients import KafkaClientError
from connectors.kafka.log import KafkaLog
from connectors.mqtt_broker_figures import mqtt_broker_figures
from connectors.stores import StoreMisconfigured, StoreUnavailable
from headrace.errors import BalanceFailed
from headrace.reconciliation import retention
from headrace.reconciliation.difference import Difference, named
from headrace.reconciliation.ingest import Ingest
from headrace.reconciliation.ledger import Ledger, LedgerFile
from headrace.reconciliation.mqtt_sessions import lost_periods
from headrace.reconciliation.progress import TO_INFLUXDB, TO_REDIS, Progress
from headrace.reconciliation.stores import InfluxDBPoints, RedisStates
from headrace.reconciliation.totals import Totals
from jobs.names import CLEAN_TELEMETRY
from schemas.bridge_session import BridgeSession
from schemas.topics import TELEMETRY_RAW, TELEMETRY_READINGS

PAUSE_S = 2.0
"""Between two balances of one wait."""


@dataclass
class Balance:
    """Sums, and the verdict: nothing was lost and nothing came twice if it holds."""

    totals: Totals
    differences: list[Difference] = field(default_factory=list)
    """What is wrong and will not come right by itself."""
    waiting: list[str] = field(default_factory=list)
    """What is still under way. As long as there is any, what is missing may still come."""
    gaps: list[Difference] = field(default_factory=list)
    """What retention took before it was judged, and what the MQTT broker may have lost: not known to be wrong, not
    proven to be right."""
    unreadable: list[Difference] = field(default_factory=list)
    """Records that are none of ours, in topics that only Headrace's jobs write."""
    broker_dropped: int | None = None
    """None: neither the broker nor a bridge says."""
    records: int = 0
    """How many were read this time."""
    seconds: float = 0.0

    @property
    def drained(self) -> bool:
        return not self.waiting

    @property
    def holds(self) -> bool:
        return self.drained and not self.differences

    def as_json(self) -> dict[str, object]:
        return {
            "holds": self.holds,
            "drained": self.drained,
            **self.totals.as_json(),
            "broker_dropped": self.broker_dropped,
            "differences": [each.as_json() for each in self.differences],
            "waiting": self.waiting,
            "gaps": [each.as_json() for each in self.gaps],
            "unreadable": [each.as_json() for each in self.unreadable],
            "records": self.records,
            "seconds": round(self.seconds, 3),
        }


def reconcile(endpoints: Endpoints, ledger: Path | None = None, *, full: bool = False) -> Balance:
    """One balance, as things are now.

    Parameters
    ----------
    endpoints
        Where Kafka, the stores, the MQTT broker and Flink are.
    ledger
        Read on from this file. None: read everything, keep nothing.
    full
        Delete the file first, and so read everything.

    Raises BalanceFailed when Kafka does not answer or a store refuses our credentials, LedgerUnusable. A store,
    broker or Flink that does not answer is among `waiting`.
    """
    return until_drained(endpoints, ledger, within_s=0.0, full=full)


def until_drained(
    endpoints: Endpoints,
    ledger: Path | None = None,
    within_s: float = 240.0,
    *,
    full: bool = False,
    on_waiting: Callable[[Balance], None] = lambda _: None,
) -> Balance:
    """Takes the balance until there is a verdict, or the last one within `within_s`; see `take`.

    There is one when nothing is under way any more. `on_waiting` is told each balance before that.
    """
    deadline = time.monotonic() + within_s
    with closing(LedgerFile(ledger, start_over=full)) as file:
        while not (taken := _reconcile(endpoints, file)).drained and time.monotonic() < deadline:
            on_waiting(taken)
            time.sleep(PAUSE_S)
    return taken


def _reconcile(endpoints: Endpoints, file: LedgerFile) -> Balance:
    started = time.monotonic()
    try:
        with KafkaLog.connect(endpoints.kafka) as log, file.balance() as ledger:
            taken = _Reconciliation(endpoints, log, ledger).balance()
    except (KafkaClientError, StoreMisconfigured) as error:
        raise BalanceFailed(f"the balance was not taken: {error}. See what runs:  headrace status") from error
    taken.seconds = time.monotonic() - started
    return taken


class _Reconciliation:
    """One balance, in one transaction of the ledger."""

    def __init__(self, endpoints: Endpoints, log: KafkaLog, ledger: Ledger) -> None:
        self._endpoints = endpoints
        self._log = log
        self._ledger = ledger
        ledger.require_cluster(log.cluster)
        self._progress = Progress.of(log, endpoints.flink)
        ledger.require_reached(self._progress.ends)
        self._taken = Balance(ledger.totals)

    def balance(self) -> Balance:
        self._read()
        self._taken.waiting += self._progress.waiting(self._ledger.last_records)
        self._judge_messages()
        self._judge_windows()
        self._judge_store(self._judge_influxdb)
        self._judge_store(self._judge_redis)
        sessions, now_ms = bridge_sessions(self._endpoints.kafka), int(time.time() * 1000)
        self._judge_drops(sessions, now_ms)
        self._taken.gaps += lost_periods(sessions, now_ms)
        for topic, ranges in self._ledger.gaps().items():
            self._taken.gaps += named("retention took it before it was judged", topic, ranges)
        for topic, ranges in self._ledger.unreadable().items():
            self._taken.unreadable += named("no record of ours", topic, ranges)
        return self._taken

    def _read(self) -> None:
        """Reads on in all topics."""
        ends, ledger = self._progress.ends, self._ledger
        lost = retention.gaps(self._log.first_offsets(list(ends)), ledger)
        retention.skip(lost, ledger)
        ingest = Ingest(ledger)
        first_append_ms: dict[tuple[str, int], int] = {}
        for batch in self._log.read({each: ledger.positions.get(each, 0) for each in ends}, ends):
            ingest.add(batch)
            self._taken.records += len(batch.records)
            if batch.records:
                first_append_ms.setdefault((batch.topic, batch.partition), batch.records[0].timestamp)
        retention.excuse(lost, first_append_ms, self._log, ledger)
        ledger.windows.sweep(ledger.judged_from_ms)

    def _judge_messages(self) -> None:
        messages, progress = self._ledger.messages, self._progress
        self._differ(named("items twice, or of no message", TELEMETRY_RAW.name, messages.doubled()))
        if not progress.behind(CLEAN_TELEMETRY, self._ledger.last_records) and progress.has_committed(CLEAN_TELEMETRY):
            self._differ(named("items missing", TELEMETRY_RAW.name, messages.missing()))

    def _judge_windows(self) -> None:
        differences, still_open = self._ledger.windows.differences(self._progress.has_closed)
        self._differ(differences)
        if still_open:
            silent = self._progress.watermark_ms is None
            why = ": window_telemetry has no watermark, does it run?" if silent else ""
            self._taken.waiting.append(f"{still_open:,} windows are not closed yet{why}")

    def _judge_store(self, judge: Callable[[], None]) -> None:
        """An unavailable store does not affect the other's verdict."""
        try:
            with self._ledger.step():
                judge()
        except StoreUnavailable as error:
            self._taken.waiting.append(str(error))

    def _judge_influxdb(self) -> None:
        ledger = self._ledger
        found = ledger.points.check(
            InfluxDBPoints(InfluxDBReader.connect(self._endpoints)),
            lambda partition, offset: self._progress.is_past(TO_INFLUXDB, partition, offset),
            compare_from_ms=ledger.compare_from_ms,
            judged_from_ms=ledger.judged_from_ms,
        )
        ledger.compare_from_ms = found.compare_from_ms
        ledger.points.forget_refusals_before(self._read_of_readings())
        self._differ(ledger.points.differences())
        if found.waiting:
            self._taken.waiting.append(f"{found.waiting:,} readings are on their way to InfluxDB")
        if found.unknown:
            first = f"{found.unknown[0].device}/{found.unknown[0].metric} at {found.unknown[0].time} ms"
            self._is_ahead("InfluxDB", f"holds {found.unknown_count:,} points that no reading made, the first {first}")

    def _judge_redis(self) -> None:
        ledger = self._ledger
        found = ledger.states.check(
            RedisStates(self._endpoints),
            lambda partition, offset: self._progress.is_past(TO_REDIS, partition, offset),
            now_ms=int(time.time() * 1000),
            judged_from_ms=ledger.judged_from_ms,
        )
        ledger.states.forget_refusals_before(self._read_of_readings())
        self._differ(found.differences)
        if found.waiting:
            self._taken.waiting.append(f"{found.waiting:,} series are on their way to Redis")
        if found.ahead:
            first = f"{found.ahead[0].device}/{found.ahead[0].metric}"
            self._is_ahead("Redis", f"holds {len(found.ahead):,} states newer than any reading, the first {first}")

    def _is_ahead(self, store: str, what: str) -> None:
        """The stores see readings before they are committed: only if none came since is it a difference."""
        read = {each: end for each, end in self._progress.ends.items() if each[0] == TELEMETRY_READINGS.name}
        if self._log.ends(list(read)) == read:
            self._differ([Difference(f"{store} {what}")])
        else:
            self._taken.waiting.append(f"{store} is ahead of the readings that are committed")

    def _judge_drops(self, sessions: Mapping[str, BridgeSession], now_ms: int) -> None:
        """What the MQTT broker has dropped since telemetry.raw reaches back, as far as it or a bridge knows."""
        asked, answers = None, True
        try:
            asked = mqtt_broker_figures(self._endpoints).dropped
        except OSError as error:  # TimeoutError is one
            answers = False
            self._taken.waiting.append(f"the MQTT broker does not answer: {error}")
        drops = broker_drops(asked, sessions.values())
        self._taken.broker_dropped = drops.count
        if drops.some_since(now_ms - TELEMETRY_RAW.retention_ms):
            self._differ([Difference(f"the MQTT broker has dropped {drops.count:,} messages")])
        elif drops.count is None and answers:
            self._taken.gaps.append(
                Difference("neither the MQTT broker nor a bridge says how many messages it dropped")
            )

    def _differ(self, differences: list[Difference]) -> None:
        self._taken.differences += differences

    def _read_of_readings(self) -> list[tuple[int, int]]:
        """Up to where each partition of telemetry.readings was read."""
        return [
            (number, at) for (topic, number), at in self._ledger.positions.items() if topic == TELEMETRY_READINGS.name
        ]
