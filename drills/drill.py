"""What a drill is: a name, what it breaks, and which protection it proves."""

from collections.abc import Callable
from dataclasses import dataclass

from drills.context import Context


def nothing(_: Context) -> list[str]:
    """The check of a drill that adds nothing to the counts."""
    return []


@dataclass(frozen=True)
class Protection:
    """The line that keeps a drill from failing. A test sees to it that the line is still there."""

    file: str
    line: str
    """Text that stands in the file."""
    does: str = ""
    """What it does, where the line does not say so itself."""

    def __str__(self) -> str:
        return f"`{self.line}` in {self.file}" + (f": {self.does}" if self.does else "")


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """What the report says of a drill, whatever flows through it."""

    name: str
    breaks: str
    """One sentence."""
    protected_by: Protection
    """Taken out, it makes this drill fail."""
    seen_failing: str = ""
    """What was taken out once, and what the table then said. Empty: it was not tried."""
    may_lose: int = 0
    """Above 0 only where no protection can help; `why_lost` says why, and the report says both."""
    why_lost: str = ""


@dataclass(frozen=True, kw_only=True)
class Drill(Declaration):
    """Readings flow. `inject` breaks something and repairs it, or leaves that to the system."""

    inject: Callable[[Context], None]
    check: Callable[[Context], list[str]] = nothing
    """One sentence for each thing that is not as it should be; called once everything has arrived."""
    through_listener: bool = False
    """The readings are published to the listener instead of the MQTT broker."""
    cold: bool = False
    """Begins on an empty stack without jobs, and `inject` streams and submits by itself."""
    recovers_within_s: float = 180.0
    """Bound of the wait for the first reading that was sent after `inject`."""
    impossible: Callable[[], str] = lambda: ""
    """Why this machine cannot run it; empty where it can."""
