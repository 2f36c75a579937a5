"""The processes of the stack that read the declared sources when they start: the bridge and the listeners."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from stack.bridge import Bridge
from stack.listener import LISTENERS

NAMES = (Bridge.name, *(each.name for each in LISTENERS))


class Processes(Protocol):
    """`stack.supervision.Supervision` is one."""

    def processes(self) -> Mapping[str, Mapping[str, Any]]: ...


def older_than(file: Path, started_s: Mapping[str, int]) -> list[str]:
    """Names of the processes that were started before the file was written; none where there is no file.

    Parameters
    ----------
    started_s
        When each was started, in whole seconds since the epoch, as supervisord knows it.
    """
    try:
        written_s = int(file.stat().st_mtime)
    except FileNotFoundError:
        return []
    return [name for name, began_s in started_s.items() if began_s < written_s]


class StackEntrances:
    """Those of one stack that were started; one that was left out stays so.

    Parameters
    ----------
    supervision
        Says when each was started.
    restart_servers
        Restarts servers by name, and returns when they are ready.
    """

    def __init__(self, supervision: Processes, restart_servers: Callable[[Sequence[str]], None]) -> None:
        self._supervision = supervision
        self.restart = restart_servers

    def all(self) -> Sequence[str]:
        """Names of all that were started, also of those that died. Raises NotRunning."""
        return [name for name, _ in self._started()]

    def older_than(self, file: Path) -> Sequence[str]:
        """Names of those that were started before the file was written. Raises NotRunning."""
        return older_than(file, {name: info["start"] for name, info in self._started()})

    def _started(self) -> list[tuple[str, Mapping[str, Any]]]:
        found = self._supervision.processes()
        return [(name, found[name]) for name in NAMES if name in found and found[name]["statename"] != "STOPPED"]
