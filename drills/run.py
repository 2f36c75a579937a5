"""The engine: stream, break, wait, verify."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from connectors.endpoints import LISTENER_MQTT_PORT, LOOPBACK, Endpoints
from drills.committed import CommittedOutputs
from drills.context import Context
from drills.counts import Counts
from drills.drill import Drill
from drills.environment import Environment
from drills.result import Result, noted
from drills.stores_watch import watch_influxdb, watch_redis
from drills.stream import DEVICES, NumberedStream
from drills.verify import verify, verify_everything
from headrace.errors import NotWithin
from headrace.flink_jobs import FlinkJobs
from headrace.polling import wait_until
from headrace.publisher import Publisher
from headrace.reconciliation import balance as accounting
from jobs.names import JOBS
from schemas.errors import HeadraceError

FLOWS_WITHIN_S = 120.0
ARRIVED_WITHIN_S = 240.0
LATEST_S = 60.0
"""Where some will never arrive: the others have by then, two stores and two commits after the last was sent."""
BALANCED_WITHIN_S = 240.0
LISTENER_IN_FLIGHT = 50
"""Below the Receive Maximum that the listener allows by default."""


def run(drill: Drill, environment: Environment, announce: Callable[[str], None]) -> Result:
    """Runs one drill on a stack that is whole, and takes the balance after it. Never raises HeadraceError."""
    if why := drill.impossible():
        return Result(drill.name, skipped=why)
    result = perform(drill, environment, announce)
    announce("waiting for the balance: the last windows close after up to 80 s")
    differences = unbalanced(environment.layout.endpoints)
    problems = (*result.problems, *(f"balance: {each}" for each in differences))
    return Result(**{**vars(result), "balanced": not differences, "problems": problems})


def perform(drill: Drill, environment: Environment, announce: Callable[[str], None]) -> Result:
    """All but the balance."""
    prefix = f"{drill.name}-{int(time.time())}-"
    with _scene(drill, environment, prefix, announce) as context:
        problems: list[str] = []
        recovered_s, counts = float("nan"), Counts()
        with noted(problems):
            recovered_s = _break_and_recover(drill, context)
        with noted(problems):
            context.stream.finish()
        announce(f"looking for {context.stream.sent} readings")
        with noted(problems):
            counts = _arrived(drill, context)
            problems += [*context.problems, *_count_problems(drill, counts), *drill.check(context)]
        return Result(
            name=drill.name,
            sent=context.stream.sent,
            acknowledged=context.stream.acknowledged,
            counts=counts,
            redelivered=context.committed.duplicates,
            out_of_order=context.committed.out_of_order,
            recovered_s=recovered_s,
            notes=tuple(context.notes),
            problems=tuple(problems),
        )


def unbalanced(endpoints: Endpoints) -> list[str]:
    """Takes the balance until it holds: nothing; else what was left at the end, one sentence each."""
    try:
        taken = accounting.until_drained(endpoints, within_s=BALANCED_WITHIN_S)
    except HeadraceError as error:
        return [str(error)]
    return [str(each) for each in (*taken.differences, *taken.waiting)]


@contextmanager
def _scene(drill: Drill, environment: Environment, prefix: str, announce: Callable[[str], None]) -> Iterator[Context]:
    endpoints = environment.layout.endpoints
    publisher = _publisher(drill, environment)
    stream = NumberedStream(publisher, [f"{prefix}{number}" for number in range(DEVICES)])
    redis, influxdb = watch_redis(endpoints, stream), watch_influxdb(endpoints, stream, prefix)
    committed, flink = CommittedOutputs(endpoints, prefix), FlinkJobs(endpoints.flink)
    redis.start()
    influxdb.start()
    try:
        yield Context(environment, prefix, stream, redis, influxdb, committed, flink, announce)
    finally:
        redis.stop()
        influxdb.stop()
        committed.close()
        flink.close()


def _publisher(drill: Drill, environment: Environment) -> Publisher:
    endpoints = environment.layout.endpoints
    if not drill.through_listener:
        return Publisher(endpoints)
    listener = {"mqtt_host": LOOPBACK, "mqtt_port": environment.layout.port(LISTENER_MQTT_PORT)}
    return Publisher(endpoints.model_copy(update=listener), max_in_flight=LISTENER_IN_FLIGHT)


def _break_and_recover(drill: Drill, context: Context) -> float:
    """Seconds that the reading waited which waited longest, without the time that an outage was kept up."""
    if drill.cold:
        drill.inject(context)
        return context.recovered_s or 0.0
    context.stream.start()
    flowing_ms = int(time.time() * 1000)
    wait_until("the first readings in both stores", lambda: context.stored_after(flowing_ms), FLOWS_WITHIN_S)
    wait_until("a checkpoint", lambda: context.flink.checkpointed_since(JOBS, flowing_ms), FLOWS_WITHIN_S)
    context.redis.forget()
    context.influxdb.forget()
    context.failures_before = context.flink.failures(JOBS)
    drill.inject(context)
    acted_ms = int(time.time() * 1000)
    wait_until("readings after it in both stores", lambda: context.stored_after(acted_ms), drill.recovers_within_s)
    wait_until("a checkpoint", lambda: context.flink.checkpointed_since(JOBS, acted_ms), drill.recovers_within_s)
    return max(0.0, max(context.redis.longest_s, context.influxdb.longest_s) - context.held_s)


def _arrived(drill: Drill, context: Context) -> Counts:
    """Once nothing is missing any more, or as it is at the end of the wait."""

    def whole() -> Counts | None:
        counts = verify(context)
        return None if counts.lost else counts

    try:
        return wait_until("every reading", whole, LATEST_S if drill.may_lose else ARRIVED_WITHIN_S, pause_s=1)
    except NotWithin:
        return verify_everything(context)


def _count_problems(drill: Drill, counts: Counts) -> Iterator[str]:
    for place, number in counts.lost.items():
        if number > drill.may_lose:
            yield f"{number} lost in {place}"
    for place, number in counts.doubled.items():
        yield f"{number} doubled in {place}"
