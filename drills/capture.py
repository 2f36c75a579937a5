"""Drills on change capture: a server is killed while rows are written, and each change must be in its topic once."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from drills.committed import TopicTail
from drills.counts import Counts, counted, missing, surplus
from drills.drill import Declaration, Protection
from drills.environment import Environment
from drills.killing import kill
from drills.result import Result, noted
from drills.rows import CapturedRows, NumberedRows
from headrace.errors import NotWithin
from headrace.monitoring import capture as health
from headrace.polling import wait_until
from schemas.topics import CUSTOMERS
from stack.supervision import Supervision

EXTRAS = ("postgres", "connect")
ONLY = ("connect",)
"""With what it needs: PostgreSQL and Kafka."""
FLOWS_WITHIN_S = 60.0
FLOWS_S = 2.0
"""Before the kill, so that it comes in the middle."""
RECOVERS_WITHIN_S = 120.0
ARRIVED_WITHIN_S = 60.0


@dataclass(frozen=True, kw_only=True)
class CaptureDrill(Declaration):
    """Rows of PostgreSQL change, one commit after the other, while `victim` is killed with -9."""

    victim: str


def run(drill: CaptureDrill, environment: Environment, announce: Callable[[str], None]) -> Result:
    """One drill, on a stack with change capture. Never raises HeadraceError."""
    problems: list[str] = []
    with _flowing(environment, f"{drill.name}-{int(time.time())}-") as (rows, seen):
        recovered_s, counts = float("nan"), Counts()
        with noted(problems):
            recovered_s = _kill_and_recover(drill, environment, rows, seen, announce)
        with noted(problems):
            rows.finish()
        announce(f"looking for {rows.sent} changes")
        with noted(problems):
            counts = _arrived(rows, seen)
            problems += _count_problems(counts, seen)
        wrong = health.collect(environment.layout.capture, environment.layout.endpoints.kafka).error
        return Result(
            name=drill.name,
            sent=rows.sent,
            acknowledged=rows.acknowledged,
            counts=counts,
            out_of_order=seen.out_of_order,
            recovered_s=recovered_s,
            balanced=not wrong,
            problems=tuple(problems + ([f"afterwards: {wrong}"] if wrong else [])),
        )


@contextmanager
def _flowing(environment: Environment, prefix: str) -> Iterator[tuple[NumberedRows, CapturedRows]]:
    rows = NumberedRows(environment.layout.capture, prefix)
    seen = CapturedRows(TopicTail(environment.layout.endpoints.kafka, CUSTOMERS), rows)
    rows.start()
    try:
        yield rows, seen
    finally:
        seen.close()


def _kill_and_recover(
    drill: CaptureDrill,
    environment: Environment,
    rows: NumberedRows,
    seen: CapturedRows,
    announce: Callable[[str], None],
) -> float:
    """Seconds that the change waited which waited longest."""
    flows_s = time.monotonic() + FLOWS_S
    wait_until("the first changes in their topic", lambda: seen.has_one_after(flows_s), FLOWS_WITHIN_S)
    seen.forget_waits()
    kill(drill.victim, Supervision(environment.layout), announce, with_children=True)
    killed_s = time.monotonic()
    wait_until("changes after it in their topic", lambda: seen.has_one_after(killed_s), RECOVERS_WITHIN_S)
    return seen.longest_s


def _arrived(rows: NumberedRows, seen: CapturedRows) -> Counts:
    """Once nothing is missing any more, or as it is at the end of the wait."""
    sent = set(rows.tried_at)

    def whole() -> bool:
        seen.update()
        return not missing(sent, seen.found)

    with suppress(NotWithin):  # what is missing then is counted
        wait_until("every change", whole, ARRIVED_WITHIN_S)
    topic = CUSTOMERS.name
    return counted({topic: missing(sent, seen.found)}, {topic: surplus(sent, seen.found)})


def _count_problems(counts: Counts, seen: CapturedRows) -> Iterator[str]:
    for word, places in (("lost", counts.lost), ("doubled", counts.doubled)):
        for place, number in places.items():
            yield f"{number} {word} in {place}"
    if seen.out_of_order:
        yield f"{seen.out_of_order} out of order in {CUSTOMERS.name}"


DRILLS = (
    CaptureDrill(
        name="connect-killed",
        breaks="Kafka Connect is killed with -9 while rows are written.",
        protected_by=Protection(
            "stack/connect.py",
            "exactly.once.source.support=enabled",
            "changes and how far they go in PostgreSQL's log are one transaction",
        ),
        victim="connect",
        seen_failing="`disabled` in its place, and a connector that does not require it: how far it had come was not "
        "stored yet, so a new snapshot of 8 rows stood for 2,236 of 2,924 changes",
    ),
    CaptureDrill(
        name="postgres-killed",
        breaks="PostgreSQL is killed with -9 while rows are written.",
        protected_by=Protection(
            "connectors/postgres_cdc/connector.py",
            '"errors.max.retries": "-1"',
            "a connector whose database is unavailable retries for ever",
        ),
        victim="postgres",
        seen_failing="`0` in its place: the task failed and stayed so, 48,235 of 49,367 changes lost",
    ),
)
