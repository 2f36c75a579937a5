"""What the stack has to know of a server: its command line, its configuration, when it is ready."""

from abc import ABC, abstractmethod
from typing import ClassVar

from schemas.errors import TransientError
from stack.layout import Layout


class NotYet(TransientError):
    """Raised while a server does not answer; the text says what is missing. Inside the stack only.

    Transient: it is asked again.
    """


class Server(ABC):
    """One process of the stack. Subclasses say what differs; `supervision` and `readiness` do the rest."""

    name: ClassVar[str]
    optional: ClassVar[bool] = False
    """Part of a stack only if asked for: `headrace up --with NAME`."""
    after: ClassVar[tuple[str, ...]] = ()
    """Servers that must be ready before this one starts."""
    standard_ports: ClassVar[tuple[int, ...]] = ()
    """Before the stack's offset."""
    ready_within_s: ClassVar[float] = 120
    """Generous: a JVM needs a minute on a laptop that does other things."""
    stop_within_s: ClassVar[int] = 20
    """From SIGTERM to SIGKILL."""
    stays_down_at: ClassVar[int | None] = None
    """The exit status that a restart does not fix: supervisord leaves it down, and `status` has an alarm."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout

    @abstractmethod
    def command(self) -> list[str]:
        """Command line that stays in the foreground.

        Raises
        ------
        MissingProgram
            The program is not installed.
        """

    @abstractmethod
    def check(self) -> None:
        """Return if the server does its work.

        Raises
        ------
        NotYet
            Or any OSError: it does not yet.
        """

    def environment(self) -> dict[str, str]:
        """What its environment has beyond the stack's."""
        return {}

    def configure(self) -> None:
        """Write configuration files. Also called while the server runs."""
        return

    def before_start(self) -> None:
        """What must be done while the server does not run."""
        return

    def set_up(self) -> None:
        """What must be done once it answers: topics, buckets. Called by every `up`, so it changes nothing twice.

        Raises
        ------
        NotYet
            Or any OSError: to be tried again.
        """
        return

    @property
    def ports(self) -> list[int]:
        return [self.layout.port(port) for port in self.standard_ports]
