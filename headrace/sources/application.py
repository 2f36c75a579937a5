"""A changed sources.toml made to count on a running stack: the cleaning job first, then the entrances."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from connectors.flink_rest import FlinkUnavailable
from headrace.errors import NotWithin, SourcesNotApplied
from headrace.polling import PAUSE_S, wait_until
from headrace.sources.applied import Applied, AppliedSources
from headrace.sources.changes import changes
from jobs.names import CLEAN_TELEMETRY
from schemas.errors import HeadraceError
from schemas.sources_file import parse_sources, read_sources

RUNNING_WITHIN_S = 120.0


class Cluster(Protocol):
    """What is asked of Flink. `headrace.flink_jobs.FlinkJobs` is one."""

    def state_of(self, name: str) -> str | None: ...
    def all_run(self, names: tuple[str, ...]) -> bool: ...
    def cause_of_end(self, name: str) -> str: ...
    def stop_with_savepoint(self, name: str) -> str: ...
    def cancel(self, name: str) -> None: ...


class Entrances(Protocol):
    """The processes that read the file when they start: the bridge and the listeners."""

    def older_than(self, file: Path) -> Sequence[str]:
        """Names of those that have run since before the file was written."""

    def all(self) -> Sequence[str]: ...

    def restart(self, names: Sequence[str]) -> None:
        """Returns when all of them are ready."""


@dataclass(frozen=True)
class SourceApplication:
    """Applies the file of one stack. Nobody else may start, stop or apply anything meanwhile.

    Parameters
    ----------
    submit
        Submits the cleaning job from a savepoint.
    report
        Gets a line for each step.
    """

    record: AppliedSources
    cluster: Cluster
    entrances: Entrances
    submit: Callable[[str, Applied], None]
    report: Callable[[str], None]
    running_within_s: float = RUNNING_WITHIN_S
    pause_s: float = PAUSE_S

    def apply(self, file: Path) -> None:
        """Returns once the cleaning job and the entrances run with the file's sources.

        Raises
        ------
        schemas.sources_file.BadSources
            The file has mistakes. Nothing was done.
        SourcesNotApplied
            The message says what runs.
        SavepointFailed, FlinkUnavailable, StackError
            Before anything was stopped; or an entrance did not become ready.
        """
        text = read_sources(file)
        parse_sources(text, str(file))
        state, stopped_at = self.cluster.state_of(CLEAN_TELEMETRY), self.record.unfinished()
        if state is None and stopped_at is None:
            self._without_the_job(file)
        applied = self._applied()
        found = changes(applied.text, text)
        for line in found:
            self.report(line)
        if state is not None and not found:
            self._with_the_same_sources(applied, text, file)
            return
        savepoint = stopped_at if state is None and stopped_at else self._stopped(applied)
        self._start(savepoint, applied, replace(applied, text=text))
        self._restart(self.entrances.all())
        self.report(f"{file.name} is applied")

    def _without_the_job(self, file: Path) -> None:
        self._restart(self.entrances.older_than(file))
        raise SourcesNotApplied(
            f"{CLEAN_TELEMETRY} does not run. Submit it, and it takes {file.name} as it is: "
            f"headrace submit {CLEAN_TELEMETRY}"
        )

    def _applied(self) -> Applied:
        applied = self.record.read()
        if applied is None:
            raise SourcesNotApplied(
                f"{self.record.path} is missing, so that nobody knows which sources {CLEAN_TELEMETRY} runs with. Stop "
                f"it with a savepoint and submit it from there: docs/how-to/sources.md"
            )
        return applied

    def _with_the_same_sources(self, applied: Applied, text: str | None, file: Path) -> None:
        """The job stays as it is: at most comments differ. An entrance may have read the file between two edits."""
        self.record.submitted(replace(applied, text=text))
        stale = self.entrances.older_than(file)
        self._restart(stale)
        self.report(
            f"{file.name} is applied" if stale else f"{file.name} declares what runs already: there is nothing to do"
        )

    def _stopped(self, applied: Applied) -> str:
        """The savepoint. A job that has just been resumed is waited for."""
        try:
            wait_until(CLEAN_TELEMETRY, self._runs, self.running_within_s, self.pause_s)
        except NotWithin as error:
            raise SourcesNotApplied(
                f"{CLEAN_TELEMETRY} does not run, so that it cannot be stopped with a savepoint ({error}). Nothing was "
                "done. See why: headrace status"
            ) from error
        self.report(f"stopping {CLEAN_TELEMETRY} with a savepoint")
        savepoint = self.cluster.stop_with_savepoint(CLEAN_TELEMETRY)
        self.record.stopped(applied, savepoint)
        self.report(f"stopped: {savepoint}")
        return savepoint

    def _start(self, savepoint: str, before: Applied, after: Applied) -> None:
        """From the savepoint with the new sources; where that fails for whatever reason, with those of before."""
        try:
            self._run(savepoint, after)
        except BaseException as error:
            self.report(f"{CLEAN_TELEMETRY} does not start with the new sources; starting it with those that it had")
            self._go_back(savepoint, before, error)
            if not isinstance(error, (HeadraceError, OSError)):
                raise
            raise SourcesNotApplied(
                f"{error}\nNothing has changed: {CLEAN_TELEMETRY} runs with the sources that it had, from {savepoint}"
            ) from error

    def _go_back(self, savepoint: str, before: Applied, reason: BaseException) -> None:
        try:
            self.cluster.cancel(CLEAN_TELEMETRY)
            self._run(savepoint, before)
        except (HeadraceError, OSError) as error:
            raise SourcesNotApplied(
                f"{CLEAN_TELEMETRY} does not run, with new sources ({reason or type(reason).__name__}) and with those "
                f"of before ({error}). Its state is in {savepoint}. When the cause is fixed: headrace source apply"
            ) from error

    def _run(self, savepoint: str, applied: Applied) -> None:
        self.submit(savepoint, applied)
        wait_until(f"{CLEAN_TELEMETRY} to run", self._runs, self.running_within_s, self.pause_s)
        self.record.submitted(applied)

    def _runs(self) -> bool:
        if self.cluster.all_run((CLEAN_TELEMETRY,)):
            return True
        try:
            has_ended = self.cluster.state_of(CLEAN_TELEMETRY) is None
        except FlinkUnavailable:
            return False
        if has_ended:
            raise SourcesNotApplied(f"{CLEAN_TELEMETRY} ended: {self.cluster.cause_of_end(CLEAN_TELEMETRY)}")
        return False

    def _restart(self, names: Sequence[str]) -> None:
        if names:
            self.report(f"restarting {', '.join(names)}")
            self.entrances.restart(names)
