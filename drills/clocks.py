"""Drills on time: a clock that runs ahead, late readings, a partition that falls silent, a backlog, a long stop."""

import json
import time

from kafka.partitioner import murmur2

from drills.context import Context
from drills.drill import Drill, Protection
from drills.errors import NotPrepared
from headrace.polling import wait_until
from headrace.publisher import Publisher
from schemas.topics import TELEMETRY_RAW

DAY_MS = 24 * 3600 * 1000
FAST_CLOCK_READINGS = 100
CLOSE_WITHIN_S = 110.0
"""Windows of the others, while one partition is silent: idle timeout of 60 s, 10 s of window, 10 s of the clock, and
the checkpoint that shows them."""
BACKLOG = 200_000
BACKLOG_WITHIN_S = 900.0
STOPPED_S = 45.0
TRIES = 5
CHECKPOINT_WITHIN_S = 60.0
LATE_READINGS = 50
LATE_BY_MS = 3600 * 1000


def run_a_clock_400_days_ahead(context: Context) -> None:
    publisher = Publisher(context.endpoints)
    began_ms = int(time.time() * 1000) + 400 * DAY_MS
    for number in range(FAST_CLOCK_READINGS):
        ahead = {"metric": "counter", "value": number, "ts": began_ms + number}
        publisher.publish(f"{context.prefix}fast-clock", json.dumps(ahead).encode())
    publisher.close()
    context.announce(f"sent {FAST_CLOCK_READINGS} readings from 400 days ahead")


def fast_readings_are_dead_letters(context: Context) -> list[str]:
    wanted = {("clean_telemetry", "ts_out_of_range"): FAST_CLOCK_READINGS}
    found = dict(context.committed.dead_letters)
    context.notes += [f"{count} dead letters of {stage}, {reason}" for (stage, reason), count in found.items()]
    return none_late(context) + ([] if found == wanted else [f"dead letters {found}, expected {wanted}"])


def none_late(context: Context) -> list[str]:
    return [f"{context.committed.late} readings were late for their windows"] if context.committed.late else []


def restart_the_windows_on_late_readings(context: Context) -> None:
    """What is read right after a restart, before the partitions have a watermark again."""
    path = context.flink.stop_with_savepoint("window_telemetry")
    device, began_ms = f"{context.prefix}late", int(time.time() * 1000) - LATE_BY_MS
    context.stream.send_dated(device, [began_ms + 1000 * number for number in range(LATE_READINGS)])

    def committed() -> bool:
        context.committed.update()
        return sum(of == device for of, _ in context.committed.readings) == LATE_READINGS

    wait_until("the late readings in telemetry.readings", committed, CHECKPOINT_WITHIN_S)
    context.announce(f"{LATE_READINGS} late readings wait; starting window_telemetry from its savepoint")
    context.environment.submit(("window_telemetry",), path)


def late_readings_are_late(context: Context) -> list[str]:
    late = context.committed.late
    return [] if late == LATE_READINGS else [f"{late} readings are in telemetry.late, and not {LATE_READINGS}"]


def silence_one_partition(context: Context) -> None:
    silent = _partition(context.stream.devices[0])
    talking = [device for device in context.stream.devices if _partition(device) != silent]
    if not talking:
        raise NotPrepared("all devices of this run share a partition: run the drill again")
    context.stream.talking = talking
    context.announce(f"partition {silent} is silent, {len(talking)} of {len(context.stream.devices)} devices talk")
    began_ms = int(time.time() * 1000)

    def closed() -> bool:
        context.committed.update()
        return context.committed.newest_window_ms >= began_ms

    wait_until("a window of the others to close while a partition is silent", closed, CLOSE_WITHIN_S)
    context.notes.append(f"A window of the others closed after {time.time() - began_ms / 1000:.0f} s of silence.")
    context.stream.talking = list(context.stream.devices)


def _partition(device: str) -> int:
    """As Kafka's producers choose it."""
    return int((murmur2(device.encode()) & 0x7FFFFFFF) % TELEMETRY_RAW.partitions)


def start_cold_on_a_backlog(context: Context) -> None:
    context.announce(f"sending {BACKLOG:,} messages while no job runs")
    context.stream.send(BACKLOG)
    context.stream.wait_until_acknowledged()
    context.announce("submitting the jobs")
    began = time.monotonic()
    context.environment.submit()
    last_ms = min(times[-1] for times in context.stream.times.values()) - 1
    wait_until("the backlog in both stores", lambda: context.stored_after(last_ms), BACKLOG_WITHIN_S)
    context.recovered_s = time.monotonic() - began
    context.notes.append(f"{BACKLOG / context.recovered_s:,.0f} readings a second, the start of the jobs included")


def stop_for_longer_than_a_transaction(context: Context) -> None:
    """Leaves transactions that are prepared and not committed: what a crash between the two leaves, made to order.

    A savepoint prepares the transactions and does not commit them; the next checkpoint would. A cancel before it
    leaves them open, and a start from the savepoint has to commit them.
    """
    path = _savepoint_that_no_checkpoint_follows(context)
    context.hold(STOPPED_S)
    context.announce("starting clean_telemetry from its savepoint")
    context.environment.submit(("clean_telemetry",), path)


def _savepoint_that_no_checkpoint_follows(context: Context) -> str:
    job = "clean_telemetry"
    for _ in range(TRIES):
        before = _next_checkpoint(context, job)
        path = context.flink.savepoint(job)
        if context.flink.last_checkpoint(job) == before:
            context.flink.cancel(job)
            return path
    raise NotPrepared(f"in {TRIES} tries a checkpoint always came between savepoint and cancel: run the drill again")


def _next_checkpoint(context: Context, job: str) -> int:
    """Returns as one completes, so that the next is most of an interval away."""
    last = context.flink.last_checkpoint(job)
    wait_until("a checkpoint", lambda: context.flink.last_checkpoint(job) > last, CHECKPOINT_WITHIN_S, pause_s=0.05)
    return context.flink.last_checkpoint(job)


DRILLS = (
    Drill(
        name="clock-ahead",
        breaks="The clock of one device runs 400 days ahead.",
        protected_by=Protection(
            "payload_codecs/validation.py",
            "TS_OUT_OF_RANGE",
            "a time more than 5 minutes ahead is refused",
        ),
        inject=run_a_clock_400_days_ahead,
        seen_failing="the comparison with the broker's clock left out: readings from the future in every store, and "
        "no dead letter as ts_out_of_range",
        check=fast_readings_are_dead_letters,
    ),
    Drill(
        name="windows-restarted",
        breaks="window_telemetry stops with a savepoint, and goes on with readings that are an hour late.",
        protected_by=Protection(
            "jobs/window_telemetry.sql",
            "AS OPERATOR remember_watermark",
            "what is late for windows that go on is late for SQL too, from the first reading on",
        ),
        inject=restart_the_windows_on_late_readings,
        seen_failing="left out: none of the 50 readings is late, and the windows' balance differs",
        check=late_readings_are_late,
    ),
    Drill(
        name="partition-silent",
        breaks="The devices of one partition are silent until windows of the others close, then talk again.",
        protected_by=Protection(
            "jobs/window_telemetry.py",
            "scan__watermark__idle_timeout=idle",
            "a silent partition holds no watermark back",
        ),
        inject=silence_one_partition,
        seen_failing="left out: no window of the others closed within 110 s",
        check=none_late,
    ),
    Drill(
        name="long-stop",
        breaks=f"clean_telemetry is stopped for {STOPPED_S:.0f} s between preparing its transactions and committing.",
        protected_by=Protection(
            "jobs/settings.py",
            "transaction_timeout_ms: int = Field(24 * 3600 * 1000",
            "a prepared transaction outlives the stop",
        ),
        inject=stop_for_longer_than_a_transaction,
        seen_failing="20 s in its place: 438 of 8,943 readings lost in telemetry.readings, while InfluxDB holds them",
    ),
    Drill(
        name="cold-backlog",
        breaks=f"{BACKLOG:,} messages wait when the jobs start for the first time.",
        protected_by=Protection(
            "jobs/tables.py",
            '"properties.max.partition.fetch.bytes": str(FETCH_BYTES)',
            "partitions are read in turns so short that none counts as idle while it waits for its own",
        ),
        seen_failing="Kafka's 1 MiB in its place: 48,164 of 200,000 readings late.",
        inject=start_cold_on_a_backlog,
        check=none_late,
        cold=True,
    ),
)
