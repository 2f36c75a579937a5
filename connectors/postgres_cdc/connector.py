"""The Debezium connector, by Kafka Connect's REST API.

Options: https://debezium.io/documentation/reference/stable/connectors/postgresql.html
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from connectors import http_clients
from connectors.kafka.clients import FRAMING_BYTES
from connectors.postgres_cdc import ConnectorRefused, ConnectUnavailable
from connectors.postgres_cdc.database import PUBLICATION, SLOT
from connectors.postgres_cdc.endpoints import CaptureEndpoints
from connectors.postgres_cdc.settings import CaptureSettings
from connectors.postgres_cdc.tables import ADDED_COLUMNS, CAPTURED, HEARTBEAT, NOTIFICATIONS, SCHEMA, SIGNALS
from schemas.topics import MAX_MESSAGE_BYTES
from schemas.unavailable_values import PLACEHOLDER

NAME = "headrace"
PREFIX = "cdc"
QUEUE_BYTES = 32 * 2**20
KEYS = {table.name: table.key for table in CAPTURED} | {HEARTBEAT: "id"}
"""Of each table whose changes become records, the column that names a row."""
STOPS_WITHIN_S = 30
SETTLES_WITHIN_S = 30
"""How long Connect may be busy with a change before this one: its answer is 409 meanwhile."""
RECORD_FAILURES = ("Tolerance exceeded in error handler", "Error while processing event at offset", "RecordTooLarge")
"""Of a transform or converter, of Debezium's decoding, and of the producer."""


@dataclass(frozen=True)
class ConnectorState:
    """As Connect says: RUNNING, PAUSED, FAILED, UNASSIGNED; `MISSING` without a task or connector."""

    connector: str
    task: str
    trace: str = ""
    """What made it fail: the last cause in the first line of each."""
    on_record: bool = False
    """Whether the trace says that a record made it fail."""

    @property
    def lost_its_place(self) -> bool:
        """Whether PostgreSQL's log no longer has what comes next."""
        return "no longer available on the server" in self.trace

    @property
    def failed_on_record(self) -> bool:
        """Whether it failed on a record that it read from PostgreSQL's log, which a restart reads again."""
        return self.task == "FAILED" and self.on_record

    @property
    def runs(self) -> bool:
        return self.connector == self.task == "RUNNING"


def configuration(endpoints: CaptureEndpoints, password: str) -> dict[str, str]:
    """Of the connector. `password` is what Connect resolves, not the password itself: anybody can read this."""
    beat = f"INSERT INTO {SCHEMA}.{HEARTBEAT} VALUES (1, now()) ON CONFLICT (id) DO UPDATE SET beat_at = now()"
    return {
        "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
        "tasks.max": "1",
        "plugin.name": "pgoutput",
        "database.hostname": endpoints.postgres_host,
        "database.port": str(endpoints.postgres_port),
        "database.dbname": endpoints.postgres_database,
        "database.user": endpoints.postgres_user,
        "database.password": password,
        "publication.name": PUBLICATION,
        "publication.autocreate.mode": "disabled",
        "slot.name": SLOT,
        # A recreated slot is ahead of the connector's offset: the connector fails instead of skipping changes.
        "offset.mismatch.strategy": "trust_offset",
        "table.include.list": ",".join(f"{SCHEMA}.{name}" for name in KEYS),
        # The transforms add fields of these names, and a record with two fields of one name fails the task. Debezium
        # compares without regard to case.
        "column.exclude.list": ",".join(rf"{SCHEMA}\..*\.{column}" for column in ADDED_COLUMNS),
        # A table that is made anew from a query has no primary key, and a compacted topic takes no record without one.
        "message.key.columns": ";".join(f"{SCHEMA}.{name}:{key}" for name, key in KEYS.items()),
        "topic.prefix": PREFIX,
        "snapshot.mode": "initial",
        # Rows are read again when it is asked for, and this table is how (rereads.read_again).
        "signal.data.collection": f"{SCHEMA}.{SIGNALS}",
        "incremental.snapshot.watermarking.strategy": "insert_delete",
        # Debezium skips a table that it cannot read, and says so nowhere else.
        "notification.enabled.channels": "sink",
        "notification.sink.topic.name": NOTIFICATIONS,
        # A large value that an update leaves alone is in the log only under REPLICA IDENTITY FULL. Until `prepare` has
        # put that back, the value is read from the table. Nulls are in the log.
        "post.processors": "reselect",
        "post.processors.reselect.type": "io.debezium.processors.reselect.ReselectColumnsPostProcessor",
        "post.processors.reselect.reselect.unavailable.values": "true",
        "post.processors.reselect.reselect.null.values": "false",
        "post.processors.reselect.reselect.use.event.key": "true",
        "unavailable.value.placeholder": PLACEHOLDER,
        "heartbeat.interval.ms": str(CaptureSettings().heartbeat_ms),
        "heartbeat.action.query": beat,
        # A row is in its topic once, also if Connect is killed between sending it and noting that it was sent.
        "exactly.once.support": "required",
        # An unavailable database is retried for ever, at short intervals (10 s by default).
        "errors.max.retries": "-1",
        "retriable.restart.connector.wait.ms": "2000",
        "decimal.handling.mode": "double",
        "time.precision.mode": "isostring",
        # A row that the topic does not take fails the task, and every change behind it waits.
        "producer.override.max.request.size": str(MAX_MESSAGE_BYTES + FRAMING_BYTES),
        # Connect's heap is small: 8,192 changes, of 8 MiB each, would not fit.
        "max.queue.size.in.bytes": str(QUEUE_BYTES),
        "topic.creation.default.replication.factor": "1",
        "topic.creation.default.partitions": "1",
        **_transforms(),
    }


def _transforms() -> dict[str, str]:
    """The row alone instead of Debezium's envelope, into the topic of its table, keyed by its key as text.

    A deleted row comes once more with `__deleted`, then as a tombstone, which compaction needs.
    """
    keys = {f"key-{table}": (table, key) for table, key in KEYS.items()}
    transforms = {
        "transforms": ",".join(["row", *keys, "topic"]),
        "transforms.row.type": "io.debezium.transforms.ExtractNewRecordState",
        "transforms.row.delete.tombstone.handling.mode": "rewrite-with-tombstone",
        "transforms.row.add.fields": "source.lsn,source.ts_ms",
        "transforms.topic.type": "org.apache.kafka.connect.transforms.RegexRouter",
        "transforms.topic.regex": rf"{PREFIX}\.{SCHEMA}\.(.*)",
        "transforms.topic.replacement": "$1",
        "predicates": ",".join(keys),
    }
    for name, (table, key) in keys.items():
        transforms |= _key_of(name, table, key)
    return transforms


def _key_of(name: str, table: str, key: str) -> dict[str, str]:
    return {
        f"transforms.{name}.type": "org.apache.kafka.connect.transforms.ExtractField$Key",
        f"transforms.{name}.field": key,
        f"transforms.{name}.predicate": name,
        f"predicates.{name}.type": "org.apache.kafka.connect.transforms.predicates.TopicNameMatches",
        f"predicates.{name}.pattern": rf"{PREFIX}\.{SCHEMA}\.{table}",
    }


def register(endpoints: CaptureEndpoints, password: str, *, stopped: bool = False) -> None:
    """Give Connect the connector; the same again changes nothing.

    `stopped`: only if there is none, and it does not run yet. Where a connector stood outlives it, and can be removed
    only with one. A connector that had other settings is left stopped as well.

    Raises
    ------
    ConnectUnavailable
    ConnectorRefused
    """
    wanted = configuration(endpoints, password)
    there = _ask(endpoints, "GET", f"/connectors/{NAME}/config")
    if stopped:
        if there.status_code == 404:
            _require(
                _ask(endpoints, "POST", "/connectors", {"name": NAME, "config": wanted, "initial_state": "STOPPED"})
            )
        return
    # Connect restarts a connector whose configuration it is given, even if it is the same.
    if there.status_code == 200:
        if _require(there) == wanted | {"name": NAME}:
            return
        # Until its tasks are gone, Connect gives their states, and why they failed, for those of the new settings.
        _stop(endpoints)
    answer = _ask(endpoints, "PUT", f"/connectors/{NAME}/config", wanted)
    if answer.status_code == 400:
        raise ConnectorRefused(answer.json().get("message", answer.text))
    _require(answer)


def state(endpoints: CaptureEndpoints) -> ConnectorState:
    """State of the connector and its task, as Kafka Connect reports it.

    Raises
    ------
    ConnectUnavailable
        When Kafka Connect does not answer.
    """
    answer = _ask(endpoints, "GET", f"/connectors/{NAME}/status")
    if answer.status_code == 404:
        return ConnectorState("MISSING", "MISSING")
    status = _require(answer)
    task = next(iter(status["tasks"]), {"state": "MISSING"})
    trace = task.get("trace") or status["connector"].get("trace") or ""
    on_record = any(failure in trace for failure in RECORD_FAILURES)
    return ConnectorState(status["connector"]["state"], task["state"], _cause(trace), on_record)


def _cause(trace: str) -> str:
    """The first line says only that the task is done for; the last cause says why."""
    lines = trace.splitlines() or [""]
    causes = [line.removeprefix("Caused by: ") for line in lines if line.startswith("Caused by: ")]
    return causes[-1] if causes else lines[0]


def changed_settings(endpoints: CaptureEndpoints) -> tuple[str, ...]:
    """Settings of the connector that were changed, apart from the password's place.

    Raises
    ------
    ConnectUnavailable
    """
    answer = _ask(endpoints, "GET", f"/connectors/{NAME}/config")
    if answer.status_code == 404:
        return ()
    there = _require(answer)
    wanted = configuration(endpoints, there.get("database.password", "")) | {"name": NAME}
    names = sorted(wanted.keys() | there.keys())
    return tuple(f"{name}={there.get(name)}" for name in names if there.get(name) != wanted.get(name))


def resume(endpoints: CaptureEndpoints) -> None:
    """What was paused or stopped, from where it stands; one that runs, runs on.

    Needs no look at its state first: after a change of settings Connect says UNASSIGNED, stopped or not.

    Raises
    ------
    ConnectUnavailable
    """
    _require(_ask(endpoints, "PUT", f"/connectors/{NAME}/resume"))


def restart(endpoints: CaptureEndpoints) -> None:
    """What failed, again from where it stopped.

    Raises
    ------
    ConnectUnavailable
    """
    parameters = "?includeTasks=true&onlyFailed=true"
    _require(_ask(endpoints, "POST", f"/connectors/{NAME}/restart{parameters}"))


def remove(endpoints: CaptureEndpoints) -> bool:
    """The connector and where it stood, so that the next one begins with a snapshot.

    Whether there was one.

    Raises
    ------
    ConnectUnavailable
    """
    if state(endpoints).connector == "MISSING":
        return False
    _stop(endpoints)
    _require(_ask(endpoints, "DELETE", f"/connectors/{NAME}/offsets"))
    _require(_ask(endpoints, "DELETE", f"/connectors/{NAME}"))
    return True


def _stop(endpoints: CaptureEndpoints) -> None:
    _require(_ask(endpoints, "PUT", f"/connectors/{NAME}/stop"))
    until = time.monotonic() + STOPS_WITHIN_S
    while (found := state(endpoints)) != ConnectorState("STOPPED", "MISSING"):
        if time.monotonic() > until:
            raise ConnectUnavailable(f"the connector does not stop: it is {found.connector}, its task {found.task}")
        time.sleep(0.2)


def _ask(endpoints: CaptureEndpoints, method: str, path: str, body: Mapping[str, Any] | None = None) -> httpx.Response:
    until = time.monotonic() + SETTLES_WITHIN_S
    while _is_settling(answer := _answer(endpoints, method, path, body)) and time.monotonic() < until:
        time.sleep(0.2)
    return answer


def _is_settling(answer: httpx.Response) -> bool:
    """Of a rebalance, or of a configuration that a worker has not read yet; a name that is taken is a 409 as well."""
    return answer.status_code == 409 and "Cannot complete request" in answer.text


def _answer(endpoints: CaptureEndpoints, method: str, path: str, body: Mapping[str, Any] | None) -> httpx.Response:
    try:
        return http_clients.request(method, f"http://{endpoints.connect}{path}", timeout_s=20, json=body)
    except http_clients.HttpUnavailable as error:
        raise ConnectUnavailable(f"Kafka Connect does not answer at {endpoints.connect}: {error}") from error


def _require(answer: httpx.Response) -> Any:
    """404 in HTML while the worker starts."""
    if answer.is_error or not answer.headers.get("content-type", "application/json").startswith("application/json"):
        raise ConnectUnavailable(f"Kafka Connect answers {answer.status_code}: {answer.text[:200]}")
    return answer.json() if answer.content else None
