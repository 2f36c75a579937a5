"""Python stages for test_pyflink_findings.py. In a module of their own: workers import it by its name.

Each writes what it did to a file of its folder, one line each, so that it is seen across a restart.
"""

import threading
import time
from pathlib import Path

from pyflink.common import Time
from pyflink.common.typeinfo import Types
from pyflink.datastream import KeyedProcessFunction, ProcessWindowFunction
from pyflink.datastream.state import StateTtlConfig, ValueStateDescriptor
from pyflink.table import ScalarFunction

TTL_MS = 100


class Lines:
    """A file that is written line by line and keeps what a crashed worker wrote."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, *values: object) -> None:
        with self._path.open("a") as file:
            file.writelines(f"{value}\n" for value in values)

    def numbers(self) -> list[int]:
        return [int(line) for line in self._path.read_text().split()] if self._path.exists() else []


class SetsTimers(KeyedProcessFunction):
    """A timer for each element, which fires with the last watermark."""

    def __init__(self, fired: Lines) -> None:
        self._fired = fired

    def process_element(self, value, ctx):
        ctx.timer_service().register_event_time_timer(value)
        return []

    def on_timer(self, timestamp, ctx):
        self._fired.write(timestamp)
        return []


class Windowed(ProcessWindowFunction):
    """The elements of each window that fires."""

    def __init__(self, fired: Lines) -> None:
        self._fired = fired

    def process(self, key, context, elements):
        self._fired.write(*elements)
        return []


class Expires(KeyedProcessFunction):
    """A state that should be gone after TTL_MS: the age in ms at which it was still given."""

    def __init__(self, ages: Lines) -> None:
        self._ages = ages

    def open(self, runtime_context):
        written_at = ValueStateDescriptor("written_at", Types.LONG())
        written_at.enable_time_to_live(StateTtlConfig.new_builder(Time.milliseconds(TTL_MS)).build())
        self._written_at = runtime_context.get_state(written_at)

    def process_element(self, value, ctx):
        now, written_at = time.time_ns() // 1_000_000, self._written_at.value()
        if written_at is None:
            self._written_at.update(now)
        else:
            self._ages.write(now - written_at)
        return []


class FlushesWithTheBundle(KeyedProcessFunction):
    """Writes its elements in a gauge's callback. Raises there once, when there is a checkpoint to come back to.

    It must be the one whose barrier ended the bundle before: had another barrier come in between, with no bundle to
    end, then all would stand in its checkpoint and nothing would be lost.
    """

    def __init__(self, written: Lines, flushes: Lines, crashed: Path, checkpoints: Path) -> None:
        self._written, self._flushes, self._crashed, self._checkpoints = written, flushes, crashed, checkpoints

    def open(self, runtime_context):
        self._waiting, self._n_flushed = [], 0
        self._newest_at_flush: int | None = None
        runtime_context.get_metrics_group().gauge("flushed", self._flush)

    def process_element(self, value, ctx):
        self._waiting.append(value)
        self._thread = threading.get_ident()
        return []

    def _flush(self) -> int:
        if not self._waiting:
            return self._n_flushed
        assert threading.get_ident() == self._thread
        newest = self._newest_checkpoint()
        if self._newest_at_flush is not None and newest == self._newest_at_flush + 1 and not self._crashed.exists():
            self._crashed.write_text("the checkpoint that follows the last flush was complete")
            raise RuntimeError("the crash of this test")
        self._written.write(*self._waiting)
        self._flushes.write(len(self._waiting))
        self._newest_at_flush = newest
        self._n_flushed += len(self._waiting)
        self._waiting.clear()
        return self._n_flushed

    def _newest_checkpoint(self) -> int:
        """The number of the newest that is complete; 0 without one."""
        complete = self._checkpoints.glob("*/chk-*/_metadata")
        return max((int(each.parent.name.removeprefix("chk-")) for each in complete), default=0)


class Writes(ScalarFunction):
    """A sink as ours: writes the rows of an Arrow batch before it returns."""

    def __init__(self, written: Lines) -> None:
        self._written = written

    def eval(self, ids):
        self._written.write(*ids)
        return ids

    def is_deterministic(self):
        return False
