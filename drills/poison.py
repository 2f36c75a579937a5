"""Drills on bad records: one of every kind in every topic that a job reads."""

from connectors.kafka import clients
from drills.committed import POISON
from drills.context import Context
from drills.drill import Drill, Protection
from headrace.errors import NotWithin
from headrace.polling import wait_until
from jobs.names import JOBS
from schemas.topics import TELEMETRY_ANOMALIES, TELEMETRY_RAW, TELEMETRY_READINGS, TELEMETRY_WINDOWS

DEAD_LETTERS_WITHIN_S = 60.0
RAW_POISON = {
    "not_json": b'{"metric":"counter","value":',
    "invalid_utf8": b'{"metric":"counter\xff","value":1}',
    "bad_value": b'{"metric":"counter","value":"NaN"}',
    "too_many_items": b"[" + b",".join([b"1"] * 10_001) + b"]",
}
"""Reason of the dead letter that it becomes -> payload."""
NO_RECORDS = (
    b"\x00\xff\xfe garbage", b"", b"null", b"[1,2]", b"{",
    b"{}", b'{"device":null,"metric":null,"event_time":null,"value":null}',
)  # fmt: skip
"""Not JSON, not an object, or without the fields that every record has."""
REFUSED = {
    TELEMETRY_READINGS.name: ("store_influxdb", "store_redis"),
    TELEMETRY_WINDOWS.name: ("store_influxdb",),
    TELEMETRY_ANOMALIES.name: ("store_influxdb", "store_redis"),
}
"""Topic -> the stages that make a dead letter of each of them; the other readers leave it out."""


def poison_telemetry_raw(context: Context) -> None:
    _put(context, TELEMETRY_RAW.name, *RAW_POISON.values())


def raw_poison_became_dead_letters(context: Context) -> list[str]:
    wanted = {("clean_telemetry", reason): 1 for reason in RAW_POISON}
    return _wait_for_letters(context, wanted)


def poison_the_records(context: Context) -> None:
    for topic in REFUSED:
        _put(context, topic, *NO_RECORDS)


def bad_records_became_dead_letters(context: Context) -> list[str]:
    wanted: dict[tuple[str, str], int] = {}
    for stages in REFUSED.values():
        for stage in stages:
            key = (stage, stage.replace("store_", "refused_by_"))
            wanted[key] = wanted.get(key, 0) + len(NO_RECORDS)
    return _wait_for_letters(context, wanted)


def _put(context: Context, topic: str, *values: bytes) -> None:
    """Straight to Kafka, as a foreign producer would; the key is a device of its own."""
    producer = clients.producer(context.endpoints.kafka, client_id="drill-poison")
    key = f"{context.prefix}{POISON}".encode()
    for sent in [producer.send(topic, value, key) for value in values]:
        sent.get(timeout=30)
    producer.close()
    context.announce(f"put {len(values)} bad records into {topic}")


def _wait_for_letters(context: Context, wanted: dict[tuple[str, str], int]) -> list[str]:
    def found() -> bool:
        context.committed.update()
        return context.committed.dead_letters == wanted

    try:
        wait_until("the dead letters", found, DEAD_LETTERS_WITHIN_S)
    except NotWithin:
        return [f"dead letters {dict(context.committed.dead_letters)}, expected {wanted}"]
    told = ", ".join(f"{count} {reason} of {stage}" for (stage, reason), count in wanted.items())
    context.notes.append(f"Dead letters: {told}.")
    failures = context.flink.failures(JOBS) - context.failures_before
    return [f"jobs failed {failures} times"] if failures else []


DRILLS = (
    Drill(
        name="poison-raw",
        breaks="Malformed payloads stand in telemetry.raw, put there past the bridge.",
        protected_by=Protection(
            "jobs/tables.py", '"value.format": "raw"', "no format parses the payload, so none can drop it or fail on it"
        ),
        inject=poison_telemetry_raw,
        seen_failing="columns that a JSON format parses in its place: no recovery, no dead letter, 6,473 of 7,034 "
        "readings lost",
        check=raw_poison_became_dead_letters,
    ),
    Drill(
        name="poison-records",
        breaks="Garbage bytes and JSON objects without fields stand in telemetry.readings, .windows and .anomalies.",
        protected_by=Protection(
            "jobs/operators/write_to_store.py",
            "except UnreadableRecord as error:",
            "a value that is no record of its topic is refused with the reason, and stops nothing",
        ),
        inject=poison_the_records,
        seen_failing="another exception caught in its place: no recovery, no dead letter of 35, 6,174 of 7,047 "
        "readings lost in InfluxDB",
        check=bad_records_became_dead_letters,
    ),
)
