"""The Debezium connector, by Kafka Connect's REST API.

Options: https://debezium.io/documentation/reference/stable/connectors/postgresql.html
"""

import time
from dataclasses import dataclass
from typing import Any

import httpx

from connectors.cdc import ConnectAway, ConnectorRefused
from connectors.cdc.database import PUBLICATION, SLOT
from connectors.cdc.endpoints import CaptureEndpoints
from connectors.cdc.tables import CAPTURED, HEARTBEAT, SCHEMA, SIGNALS, CapturedTable

NAME = "headrace"
PREFIX = "cdc"
HEARTBEAT_MS = 5000
STOPS_WITHIN_S = 30


@dataclass(frozen=True)
class ConnectorState:
    """As Connect says: RUNNING, PAUSED, FAILED, UNASSIGNED; `MISSING` without a task or connector."""

    connector: str
    task: str
    trace: str = ""
    """The first line of what made it fail."""

    @property
    def runs(self) -> bool:
        return self.connector == self.task == "RUNNING"


def configuration(endpoints: CaptureEndpoints, password: str) -> dict[str, str]:
    """Of the connector. `password` is what Connect resolves, not the password itself: anybody can read this."""
    beat = f"INSERT INTO {HEARTBEAT} VALUES (1, now()) ON CONFLICT (id) DO UPDATE SET beat_at = now()"
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
        "table.include.list": ",".join(table.qualified for table in CAPTURED),
        "topic.prefix": PREFIX,
        "snapshot.mode": "initial",
        # Rows are read again when it is asked for, and this table is how (database.read_again).
        "signal.data.collection": f"{SCHEMA}.{SIGNALS}",
        "incremental.snapshot.watermarking.strategy": "insert_delete",
        "heartbeat.interval.ms": str(HEARTBEAT_MS),
        "heartbeat.action.query": beat,
        # A row is in its topic once, also if Connect is killed between sending it and noting that it was sent.
        "exactly.once.support": "required",
        # A database that is away is tried for ever, and back soon (10 s by default).
        "errors.max.retries": "-1",
        "retriable.restart.connector.wait.ms": "2000",
        "decimal.handling.mode": "double",
        "time.precision.mode": "isostring",
        "topic.creation.default.replication.factor": "1",
        "topic.creation.default.partitions": "1",
        **_transforms(),
    }


def _transforms() -> dict[str, str]:
    """The row alone instead of Debezium's envelope, into the topic of its table, keyed by its key as text.

    A deleted row comes once more with `__deleted`, then as a tombstone, which compaction needs.
    """
    keys = {f"key-{table.name}": table for table in CAPTURED}
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
    for name, table in keys.items():
        transforms |= _key_of(name, table)
    return transforms


def _key_of(name: str, table: CapturedTable) -> dict[str, str]:
    return {
        f"transforms.{name}.type": "org.apache.kafka.connect.transforms.ExtractField$Key",
        f"transforms.{name}.field": table.key,
        f"transforms.{name}.predicate": name,
        f"predicates.{name}.type": "org.apache.kafka.connect.transforms.predicates.TopicNameMatches",
        f"predicates.{name}.pattern": rf"{PREFIX}\.{SCHEMA}\.{table.name}",
    }


def register(endpoints: CaptureEndpoints, password: str) -> None:
    """Give Connect the connector; the same again changes nothing. Raises ConnectAway, ConnectorRefused."""
    wanted = configuration(endpoints, password)
    there = _ask(endpoints, "GET", f"/connectors/{NAME}/config")
    # Connect restarts a connector whose configuration it is given, even if it is the same.
    if there.status_code == 200 and _require(there) == wanted | {"name": NAME}:
        return
    answer = _ask(endpoints, "PUT", f"/connectors/{NAME}/config", wanted)
    if answer.status_code == 400:
        raise ConnectorRefused(answer.json().get("message", answer.text))
    _require(answer)


def state(endpoints: CaptureEndpoints) -> ConnectorState:
    """Raises ConnectAway."""
    answer = _ask(endpoints, "GET", f"/connectors/{NAME}/status")
    if answer.status_code == 404:
        return ConnectorState("MISSING", "MISSING")
    said = _require(answer)
    task = next(iter(said["tasks"]), {"state": "MISSING"})
    trace = task.get("trace") or said["connector"].get("trace") or ""
    return ConnectorState(said["connector"]["state"], task["state"], trace.partition("\n")[0])


def restart(endpoints: CaptureEndpoints) -> None:
    """What failed, again from where it stopped. Raises ConnectAway."""
    parameters = "?includeTasks=true&onlyFailed=true"
    _require(_ask(endpoints, "POST", f"/connectors/{NAME}/restart{parameters}"))


def remove(endpoints: CaptureEndpoints) -> bool:
    """The connector and where it stood, so that the next one begins with a snapshot.

    Whether there was one. Raises ConnectAway.
    """
    if state(endpoints).connector == "MISSING":
        return False
    _require(_ask(endpoints, "PUT", f"/connectors/{NAME}/stop"))
    _wait_until_stopped(endpoints)
    _require(_ask(endpoints, "DELETE", f"/connectors/{NAME}/offsets"))
    _require(_ask(endpoints, "DELETE", f"/connectors/{NAME}"))
    return True


def _wait_until_stopped(endpoints: CaptureEndpoints) -> None:
    until = time.monotonic() + STOPS_WITHIN_S
    while (found := state(endpoints)) != ConnectorState("STOPPED", "MISSING"):
        if time.monotonic() > until:
            raise ConnectAway(f"the connector does not stop: it is {found.connector}, its task {found.task}")
        time.sleep(0.2)


def _ask(endpoints: CaptureEndpoints, method: str, path: str, body: dict[str, str] | None = None) -> httpx.Response:
    try:
        return httpx.request(method, f"http://{endpoints.connect}{path}", json=body, timeout=20)
    except httpx.HTTPError as error:
        raise ConnectAway(f"Kafka Connect does not answer at {endpoints.connect}: {error}") from error


def _require(answer: httpx.Response) -> Any:
    """409 while workers settle who does what; 404 in HTML while the worker starts."""
    if answer.is_error or not answer.headers.get("content-type", "application/json").startswith("application/json"):
        raise ConnectAway(f"Kafka Connect answers {answer.status_code}: {answer.text[:200]}")
    return answer.json() if answer.content else None
