"""Drills on steps of a host's clock: ahead by an hour, right again, back by an hour, right again."""

from collections.abc import Callable
from contextlib import suppress

from drills.context import Context
from drills.drill import Drill, Protection
from drills.stepped_clock import SteppedClock, on_a_stepped_clock, why_no_stepped_clock
from drills.undated import UndatedOutputs, UndatedStream, now_ms
from headrace.errors import NotWithin
from headrace.polling import wait_until
from headrace.publisher import Publisher

HOUR_S = 3600
STEPS_S = (0, HOUR_S, 0, -HOUR_S, 0)
"""How far the clock is off, one after the other."""
EACH_S = 8.0
"""Beyond a checkpoint: each step has readings that are committed during it."""
DEVICES = 4
ARRIVED_WITHIN_S = 60.0


def step_the_clock_of(server: str, *, with_ts: bool) -> Callable[[Context], None]:
    """An act: devices without `ts` send while the server's clock is stepped; those with `ts` go on if `with_ts`."""

    def inject(context: Context) -> None:
        devices = [f"undated-{context.prefix}{number}" for number in range(DEVICES)]
        outputs = UndatedOutputs.connect(context.endpoints.kafka, devices)
        undated = UndatedStream(Publisher(context.endpoints), devices)
        talking = context.stream.talking
        try:
            context.stream.talking = talking if with_ts else []
            # No reading without `ts` is under way when the server is restarted: one that MQTT delivers twice is two.
            with on_a_stepped_clock(context, server) as clock:
                undated.start()
                _step(context, server, clock)
                undated.finish()
                _judge(context, outputs, undated.sent)
        finally:
            context.stream.talking = talking
            outputs.close()

    return inject


def _step(context: Context, server: str, clock: SteppedClock) -> None:
    for offset_s in STEPS_S:
        clock.step_to(offset_s)
        context.announce(f"the clock of {server} is off by {offset_s:+d} s")
        context.hold(EACH_S)


def _judge(context: Context, outputs: UndatedOutputs, sent: int) -> None:
    with suppress(NotWithin):  # what is missing then is told below
        wait_until("the readings without ts", lambda: outputs.count() >= sent, ARRIVED_WITHIN_S)
    context.problems += outputs.problems(sent, now_ms())
    context.notes.append(f"{sent:,} readings without `ts` were sent meanwhile, and {len(outputs.numbers):,} stored.")


DRILLS = (
    Drill(
        name="bridge-clock-stepped",
        breaks="The clock of the bridge's host is set ahead by an hour, right, back by an hour and right again, while "
        "devices send with `ts` and without.",
        protected_by=Protection(
            "payload_codecs/message.py",
            "received - -(-ahead_ms // STEP_MS) * STEP_MS",
            "a time of receipt that is far ahead of Kafka's clock is taken back to it, so that nothing is refused as "
            "from the future",
        ),
        inject=step_the_clock_of("bridge", with_ts=True),
        seen_failing="`received` in its place: 804 of 4,010 readings without `ts` refused as ts_out_of_range",
        impossible=why_no_stepped_clock,
    ),
    Drill(
        name="kafka-clock-stepped",
        breaks="The clock of Kafka's host is set ahead by an hour, right, back by an hour and right again, while "
        "devices send without `ts`.",
        protected_by=Protection(
            "connectors/entrance_clock.py",
            "0 if self._is_kafka_wrong(append_ms - wall_ms) else append_ms - wall_ms",
            "a clock that was set while ours was not is not followed ahead, so that no window waits for an hour from "
            "now",
        ),
        inject=step_the_clock_of("kafka", with_ts=False),
        seen_failing="`append_ms - wall_ms` in its place: readings without `ts` 3,567 s ahead of the clock, and 12 "
        "windows that are not closed",
        impossible=why_no_stepped_clock,
    ),
)
