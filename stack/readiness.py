"""Waits for servers, each by its own check and within its own time, and shows which one is waited for."""

import time
from collections import deque
from pathlib import Path
from threading import Event
from types import TracebackType

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from schemas.errors import TerminalError
from stack.errors import NotReady
from stack.server import NotYet, Server
from stack.supervision import Supervision

PAUSE_S = 0.25
GIVE_UP_AFTER_DEATHS = 3
LOG_LINES = 12


class Display:
    """One line per server with a spinner on a terminal; elsewhere (CI) one line when it is ready."""

    def __init__(self, console: Console, names: list[str]) -> None:
        self.console = console
        self._progress = Progress(
            SpinnerColumn(finished_text="[green]✔[/]"),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[waits]}[/]"),
            console=console,
            disable=not console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {
            name: self._progress.add_task(f"{name:<12}", total=1, start=False, waits="") for name in names
        }

    def __enter__(self) -> "Display":
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._progress.stop()

    def waits(self, name: str, reason: str) -> None:
        self._progress.start_task(self._tasks[name])
        self._progress.update(self._tasks[name], waits=reason.splitlines()[0][:60] if reason else "")

    def ready(self, name: str, after_s: float) -> None:
        self._progress.update(self._tasks[name], completed=1, waits="")
        if not self.console.is_terminal:
            self.console.print(f"{name} is ready ({after_s:.1f} s)", highlight=False)


class GivenUp(TerminalError):
    """Raised where another server failed, so that waiting for this one has no use. Inside the stack only.

    Terminal: the other server's failure comes first.
    """


def wait_for(server: Server, supervision: Supervision, display: Display, given_up: Event) -> None:
    """Return once the server's check passes and its set-up is done.

    Raises
    ------
    NotReady
        It took too long, or died again and again; with its last log lines.
    GivenUp
        The event was set before.
    """
    began = time.monotonic()
    deaths: set[int] = set()
    display.waits(server.name, "starting")
    while (reason := _reason_to_wait(server)) is not None:
        display.waits(server.name, reason)
        _require_hope(server, supervision, deaths, reason, time.monotonic() - began)
        if given_up.wait(PAUSE_S):
            raise GivenUp(server.name)
    display.ready(server.name, time.monotonic() - began)


def _reason_to_wait(server: Server) -> str | None:
    try:
        server.check()
        server.set_up()
    except (NotYet, OSError) as reason:
        return str(reason)
    return None


def _require_hope(server: Server, supervision: Supervision, deaths: set[int], reason: str, waited_s: float) -> None:
    info = supervision.process(server.name)
    if info["statename"] in ("BACKOFF", "EXITED", "FATAL"):
        deaths.add(info["stop"] or info["now"])
    stays_down = info["statename"] == "EXITED" and info["exitstatus"] == server.stays_down_at
    if stays_down or info["statename"] == "FATAL" or len(deaths) >= GIVE_UP_AFTER_DEATHS:
        raise NotReady(f"{server.name} does not stay up: {info['spawnerr'] or reason}{_end_of_log(server)}")
    if waited_s > server.ready_within_s:
        raise NotReady(f"{server.name} is not ready after {waited_s:.0f} s: {reason}{_end_of_log(server)}")


def _end_of_log(server: Server) -> str:
    path = server.layout.log(server.name)
    lines = "".join(f"  | {line}\n" for line in last_lines(path, LOG_LINES))
    return f"\n{lines}  The whole log: {path}"


def last_lines(path: Path, count: int) -> list[str]:
    """The end of a text file, without line ends; nothing for a file that is not there."""
    try:
        with path.open(errors="replace") as file:
            return [line.rstrip("\n") for line in deque(file, maxlen=count)]
    except FileNotFoundError:
        return []
