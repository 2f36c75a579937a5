"""A loop in a process of its own, beside what it is compared with.

The speed of a shared machine swings by half within minutes, and one after the other the two sides meet two machines.
"""

import multiprocessing
from collections.abc import Callable
from multiprocessing.sharedctypes import Synchronized
from types import TracebackType
from typing import Any

import psutil


class ReferenceProcess:
    """Runs `loop(*arguments, counted)` inside the block; the loop adds to `counted` what it has done."""

    def __init__(self, loop: Callable[..., None], *arguments: Any) -> None:
        self._counted: Synchronized[int] = multiprocessing.Value("q", 0)
        self._process = multiprocessing.Process(target=loop, args=(*arguments, self._counted), daemon=True)
        self._marks: list[tuple[int, float]] = []

    def __enter__(self) -> "ReferenceProcess":
        self._process.start()
        self._cpu = psutil.Process(self._process.pid)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._process.terminate()
        self._process.join()

    def mark(self) -> None:
        """A window may begin or end here."""
        self._marks.append((self._counted.value, sum(self._cpu.cpu_times()[:2])))

    def cost_us(self, begin: int, end: int) -> float:
        """CPU microseconds of one between two marks, by their numbers from 0."""
        (earlier, earlier_s), (later, later_s) = self._marks[begin], self._marks[end]
        return (later_s - earlier_s) / (later - earlier) * 1e6
