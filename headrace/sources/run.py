"""`source apply` on the local stack: the application with the real Flink, submission and supervision."""

import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial

from rich.console import Console

from headrace.flink_jobs import FlinkJobs
from headrace.sources.application import SourceApplication
from headrace.sources.applied import AppliedSources
from headrace.sources.entrances import StackEntrances
from headrace.submission import resubmit_cleaning
from schemas.sources_file import load_sources
from stack import lifecycle
from stack.errors import NotRunning
from stack.layout import Layout
from stack.supervision import Supervision


def apply_sources(layout: Layout, console: Console) -> None:
    """Apply the stack's sources.toml.

    Raises
    ------
    schemas.sources_file.BadSources
        The file has mistakes. Nothing was done.
    NotRunning, StackInUse
        Nothing was done.
    HeadraceError
        See `SourceApplication.apply`.
    """
    file = layout.settings.sources_file
    load_sources(file)
    supervision = Supervision(layout)
    if not layout.home.is_dir() or not supervision.answers():
        raise NotRunning(
            f"No stack runs in {layout.home}. Start it: headrace up. For another cluster: docs/how-to/sources.md"
        )
    report = partial(console.print, highlight=False, markup=False)
    with lifecycle.alone(layout), _uninterrupted(), closing(FlinkJobs(layout.endpoints.flink)) as flink:
        SourceApplication(
            AppliedSources.of_stack(layout),
            flink,
            StackEntrances(supervision, partial(lifecycle.restart, layout, console)),
            lambda savepoint, applied: resubmit_cleaning(layout, savepoint, applied, report),
            report,
        ).apply(file)


def is_applied(layout: Layout) -> bool:
    """Whether what runs has the file's sources, as far as the times and the record say.

    Raises
    ------
    NotRunning
    UnreadableAppliedSources, schemas.sources_file.BadSources
    """
    file = layout.settings.sources_file
    stale = StackEntrances(Supervision(layout), partial(lifecycle.restart, layout, Console())).older_than(file)
    return not stale and not AppliedSources.of_stack(layout).differs_from(file)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Neither Ctrl-C nor a closed terminal ends this between the job's stop and its start, nor the client of Flink."""
    before = {each: signal.signal(each, signal.SIG_IGN) for each in (signal.SIGINT, signal.SIGHUP)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
