"""A source of records that lets a job crash in the middle. In a module of its own: workers import it by its name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any


class CrashesOnce:
    """A UDF's function: what `sent` makes of a number. Raises once beyond `after`, when there is a checkpoint.

    The marker is written then; checkpoints are looked for in its folder, which is `execution.checkpointing.dir`.
    """

    def __init__(self, sent: Callable[[int], Any], after: int, marker: Path) -> None:
        self._sent, self._after, self._marker = sent, after, marker

    def __call__(self, number: int) -> Any:
        if number > self._after and not self._marker.exists() and self._has_checkpoint():
            self._marker.write_text(str(number))
            raise RuntimeError("the crash of this test")
        return self._sent(number)

    def _has_checkpoint(self) -> bool:
        return bool(list(self._marker.parent.glob("*/chk-*/_metadata")))


def restarts_once(folder: Path) -> dict[str, str]:
    """Options of such a job, whose checkpoints stand in the folder."""
    return {
        "restart-strategy.type": "fixed-delay", "restart-strategy.fixed-delay.attempts": "1",
        "restart-strategy.fixed-delay.delay": "0 s", "execution.checkpointing.interval": "1 s",
        "execution.checkpointing.dir": folder.as_uri(),
    }  # fmt: skip
