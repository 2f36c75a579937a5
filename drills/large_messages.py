"""A drill on messages with thousands of items, whose readings are in every stage when workers are killed."""

import json
import time
from collections import Counter
from contextlib import closing, suppress

from drills.committed import TopicTail
from drills.context import Context
from drills.drill import Drill, Protection
from drills.processes import python_workers
from headrace.errors import NotWithin
from headrace.polling import wait_until
from headrace.publisher import Publisher
from schemas.reading import Reading
from schemas.topics import TELEMETRY_READINGS

MESSAGES, ITEMS = 8, 9_900
ARRIVED_WITHIN_S = 240.0


def kill_all_workers_on_large_messages(context: Context) -> None:
    device = f"large-{context.prefix}"
    with closing(TopicTail(context.endpoints.kafka, TELEMETRY_READINGS)) as tail:
        _publish(context, device)
        found: Counter[tuple[str, int]] = Counter()
        workers = python_workers(context.pid("forkserver"))
        for worker in workers:
            worker.kill()
        context.announce(f"killed all {len(workers)} Python workers with -9")

        def are_there() -> bool:
            for record in tail.new():
                if record.key == device.encode():
                    reading = Reading.model_validate_json(record.value)
                    found[reading.metric, reading.event_time] += 1
            return len(found) >= MESSAGES * ITEMS

        with suppress(NotWithin):  # what is missing then is told below
            wait_until("the readings of large messages", are_there, ARRIVED_WITHIN_S)
    if missing := MESSAGES * ITEMS - len(found):
        context.problems.append(f"{missing:,} of {MESSAGES * ITEMS:,} readings of large messages are missing")
    if doubled := found.total() - len(found):
        context.problems.append(f"{doubled:,} readings of large messages are in telemetry.readings more than once")
    context.notes.append(f"{len(found):,} readings of {MESSAGES} messages with {ITEMS:,} items each.")


def _publish(context: Context, device: str) -> None:
    publisher, now_ms = Publisher(context.endpoints), int(time.time() * 1000)
    for number in range(MESSAGES):
        values = {f"m{metric}": metric for metric in range(ITEMS)}
        publisher.publish(device, json.dumps({"ts": now_ms + number, "values": values}).encode())
    publisher.close()
    context.announce(f"sent {MESSAGES} messages with {ITEMS:,} items each")


DRILLS = (
    Drill(
        name="large-messages",
        breaks=f"All Python workers are killed with -9 while they have {MESSAGES} messages with {ITEMS:,} items each.",
        protected_by=Protection(
            "flink-conf/config.yaml",
            "restart-strategy.type: exponential-delay",
            "the jobs start again from their last checkpoints, and a batch that a worker died of once is tried again",
        ),
        inject=kill_all_workers_on_large_messages,
        recovers_within_s=300.0,
    ),
)
