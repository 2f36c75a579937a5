"""Counts how often supervisord has started each process: a plug-in that runs inside supervisord.

supervisord shows when a process started last, not how often. It calls `make` because supervisord.conf names
it, and answers `headrace.starts` over the same socket as everything else.
"""

from collections import Counter
from typing import Any

from supervisor import events
from supervisor.states import ProcessStates


class StartCounter:
    """The methods of the XML-RPC namespace `headrace`."""

    def __init__(self) -> None:
        self._starts: Counter[str] = Counter()
        events.subscribe(events.ProcessStateStartingEvent, self._count)

    def starts(self) -> dict[str, int]:
        """Starts per process since it was last started on request: that one, and those that supervisord made."""
        return dict(self._starts)

    def _count(self, event: Any) -> None:
        name = event.process.config.name
        # What runs, or died, starts again from another state: only a request starts what was stopped.
        self._starts[name] = 1 if event.from_state == ProcessStates.STOPPED else self._starts[name] + 1


def make(supervisord: Any) -> StartCounter:
    """supervisor.rpcinterface_factory."""
    return StartCounter()
