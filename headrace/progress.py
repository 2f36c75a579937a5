"""How far a long command is: a bar on a terminal, lines where the output goes to a file."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

LINE_EVERY_S = 5.0


@contextmanager
def progress(words: str, total: int, console: Console) -> Iterator[Callable[[int], None]]:
    """Gives a function to be called with how much more is done."""
    if console.is_terminal:
        with _bar(console) as shown:
            task = shown.add_task(words, total=total)
            yield lambda n: shown.advance(task, n)
    else:
        yield _Lines(words, total, console).advance


def _bar(console: Console) -> Progress:
    times = TimeElapsedColumn(), TextColumn("left:"), TimeRemainingColumn()
    return Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), *times, console=console)


class _Lines:
    """A line every LINE_EVERY_S at most, and one at the end."""

    def __init__(self, words: str, total: int, console: Console) -> None:
        self._words, self._total, self._console = words, total, console
        self._done = 0
        self._began = self._reported = time.monotonic()

    def advance(self, n: int) -> None:
        self._done += n
        now = time.monotonic()
        if now - self._reported >= LINE_EVERY_S or self._done == self._total:
            self._reported = now
            line = f"{self._words}: {self._done:,} of {self._total:,}, {now - self._began:.0f} s"
            self._console.print(line, markup=False, highlight=False)
