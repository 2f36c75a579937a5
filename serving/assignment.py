"""Which list a user gets: their own, or that of their arm of an experiment."""

import logging
from typing import NamedTuple, Protocol

from schemas.experiment import DEFAULT_LIST, BadExperiments, Plan

log = logging.getLogger(__name__)


class ExperimentPlan(Protocol):
    """ExperimentsFile, or a fake in a test."""

    def plan(self) -> Plan: ...


class Assignment(NamedTuple):
    """`arm` as exposures name it; None outside of an experiment."""

    list: str
    arm: str | None


class ExperimentAssigner:
    """Assigns users to arms. `reload` must be called periodically: `assign` never reads the file."""

    def __init__(self, file: ExperimentPlan) -> None:
        self._file = file
        self._plan = Plan((), DEFAULT_LIST)
        self._fault = ""
        self.failures = 0
        """How often the file could not be read or was invalid; the last valid plan stays."""

    @property
    def running(self) -> int:
        """The number of experiments."""
        return len(self._plan.experiments)

    def reload(self) -> None:
        """Read the file if it has changed."""
        try:
            self._plan, self._fault = self._file.plan(), ""
        except (BadExperiments, OSError) as error:
            self.failures += 1
            if str(error) != self._fault:
                self._fault = str(error)
                log.error("Cannot reload the experiments, keeping the last valid ones: %s", error)

    def assign(self, user: str) -> Assignment:
        return Assignment(*self._plan.shown_to(user))
