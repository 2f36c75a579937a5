"""The journal of attempts of one operator of one subtask, where the worker's environment says."""

from typing import Protocol

from connectors.endpoints import StackSettings
from jobs.operators.attempt_journal import AttemptJournal


class Subtask(Protocol):
    """PyFlink's RuntimeContext and FunctionContext."""

    def get_index_of_this_subtask(self) -> int: ...


def subtask_journal(job: str, operator: str, subtask: Subtask) -> AttemptJournal:
    """Of the worker that calls it: `job` and `operator` name it among those of the host."""
    folder = StackSettings().attempts_folder  # type: ignore[call-arg]  # from the environment or a default
    return AttemptJournal(folder, f"{job}.{operator}.{subtask.get_index_of_this_subtask()}")
