"""The stack that drills break: brought up whole before each drill, deleted when a drill has damaged it."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Event

from rich.console import Console

from drills.errors import NotOurs
from drills.folder_owner import FolderOwner
from headrace import submission
from jobs.names import JOBS
from stack import lifecycle
from stack.layout import Layout
from stack.readiness import Display, wait_for
from stack.servers import servers
from stack.supervision import Supervision


class Environment:
    """One stack. `prepare` is repeatable and leaves it whole, with all jobs running."""

    def __init__(self, layout: Layout, console: Console, disposable: bool = True, only: tuple[str, ...] = ()) -> None:
        """`only`: these servers and what they need, and no other."""
        self.layout = layout
        self._only = only
        self._console = console
        self._disposable = disposable
        self._owner = FolderOwner(layout.home)

    def prepare(self, jobs: tuple[str, ...] = JOBS, fresh: bool = False) -> None:
        """Starts what does not run; `fresh`: from nothing.

        Raises
        ------
        HeadraceError
        """
        if fresh:
            self.throw_away()
        if self._disposable:
            self._owner.claim()
        stands = Supervision(self.layout).answers()
        lifecycle.up(self.layout, Console(quiet=True) if stands else self._console, self._only)
        self.submit(jobs)

    def submit(self, jobs: tuple[str, ...] = JOBS, savepoint: str | None = None, **settings: str) -> None:
        """Submits those that do not run, with HEADRACE_JOB_... settings, and waits until their tasks run."""
        target = self.layout.endpoints.flink
        if not jobs:
            return
        with _environment({f"HEADRACE_JOB_{name.upper()}": value for name, value in settings.items()}):
            submission.submit(self.layout, jobs, target, savepoint, report=lambda _: None)
        submission.wait_until_running(target, jobs)

    def wait_until_ready(self, name: str) -> None:
        """Until that server passes its own check.

        Raises
        ------
        NotReady
        """
        server = next(each for each in servers(self.layout) if each.name == name)
        with Display(Console(quiet=True), [name]) as display:
            wait_for(server, Supervision(self.layout), display, Event())

    def throw_away(self) -> None:
        """End the stack and delete its folder, if drills made it and no other run of them uses it."""
        if not self._disposable:
            raise NotOurs(f"{self.layout.home} is not a stack of the drills: it is not deleted")
        if self._owner.may_delete():
            lifecycle.down(self.layout, Console(quiet=True))
            shutil.rmtree(self.layout.home)


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
