"""The engine: stream, break, wait, verify."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from connectors.endpoints import Endpoints
from drills.committed import CommittedOutputs
from drills.context import Scene
from drills.counts import Counts
from drills.drill import Drill
from drills.environment import Stage
from drills.flink_jobs import FlinkJobs
from drills.result import Result, noted
from drills.stores_watch import watch_influxdb, watch_redis
from drills.stream import DEVICES, NumberedStream
from drills.verify import verify, verify_everything
from headrace.errors import NotWithin
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


def run(drill: Drill, stage: Stage, say: Callable[[str], None]) -> Result:
    """Runs one drill on a stack that is whole, and takes the balance after it. Never raises HeadraceError."""
    if why := drill.impossible():
        return Result(drill.name, skipped=why)
    result = perform(drill, stage, say)
    say("waiting for the balance: the last windows close after up to 80 s")
    differences = unbalanced(stage.layout.endpoints)
    problems = (*result.problems, *(f"balance: {each}" for each in differences))
    return Result(**{**vars(result), "balanced": not differences, "problems": problems})


def perform(drill: Drill, stage: Stage, say: Callable[[str], None]) -> Result:
    """All but the balance."""
    prefix = f"{drill.name}-{int(time.time())}-"
    with _scene(stage, prefix, say) as scene:
        problems: list[str] = []
        recovered_s, counts = float("nan"), Counts()
        with noted(problems):
            recovered_s = _break_and_recover(drill, scene)
        with noted(problems):
            scene.stream.finish()
        say(f"looking for {scene.stream.sent} readings")
        with noted(problems):
            counts = _arrived(drill, scene)
            problems += [*_told(drill, counts), *drill.check(scene)]
        return Result(
            name=drill.name,
            sent=scene.stream.sent,
            acknowledged=scene.stream.acknowledged,
            counts=counts,
            redelivered=scene.committed.duplicates,
            out_of_order=scene.committed.out_of_order,
            recovered_s=recovered_s,
            notes=tuple(scene.notes),
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
def _scene(stage: Stage, prefix: str, say: Callable[[str], None]) -> Iterator[Scene]:
    endpoints = stage.layout.endpoints
    publisher = Publisher(endpoints.mqtt_host, endpoints.mqtt_port)
    stream = NumberedStream(publisher, [f"{prefix}{number}" for number in range(DEVICES)])
    redis, influxdb = watch_redis(endpoints, stream), watch_influxdb(endpoints, stream, prefix)
    committed, flink = CommittedOutputs(endpoints, prefix), FlinkJobs(endpoints.flink)
    redis.start()
    influxdb.start()
    try:
        yield Scene(stage, prefix, stream, redis, influxdb, committed, flink, say)
    finally:
        redis.stop()
        influxdb.stop()
        committed.close()
        flink.close()


def _break_and_recover(drill: Drill, scene: Scene) -> float:
    """Seconds that the reading waited which waited longest, without the time that an outage was kept up."""
    if drill.cold:
        drill.act(scene)
        return scene.recovered_s or 0.0
    scene.stream.start()
    flowing_ms = int(time.time() * 1000)
    wait_until("the first readings in both stores", lambda: scene.stored_after(flowing_ms), FLOWS_WITHIN_S)
    wait_until("a checkpoint", lambda: scene.flink.checkpointed_since(JOBS, flowing_ms), FLOWS_WITHIN_S)
    scene.redis.forget()
    scene.influxdb.forget()
    scene.failures_before = scene.flink.failures(JOBS)
    drill.act(scene)
    acted_ms = int(time.time() * 1000)
    wait_until("readings after it in both stores", lambda: scene.stored_after(acted_ms), drill.recovers_within_s)
    wait_until("a checkpoint", lambda: scene.flink.checkpointed_since(JOBS, acted_ms), drill.recovers_within_s)
    return max(0.0, max(scene.redis.longest_s, scene.influxdb.longest_s) - scene.held_s)


def _arrived(drill: Drill, scene: Scene) -> Counts:
    """Once nothing is missing any more, or as it is at the end of the wait."""

    def whole() -> Counts | None:
        counts = verify(scene)
        return None if counts.lost else counts

    try:
        return wait_until("every reading", whole, LATEST_S if drill.may_lose else ARRIVED_WITHIN_S, pause_s=1)
    except NotWithin:
        return verify_everything(scene)


def _told(drill: Drill, counts: Counts) -> Iterator[str]:
    for place, number in counts.lost.items():
        if number > drill.may_lose:
            yield f"{number} lost in {place}"
    for place, number in counts.doubled.items():
        yield f"{number} doubled in {place}"
