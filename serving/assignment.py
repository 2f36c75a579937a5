"""Which list a user is to be shown: their own, or that of their arm of an experiment."""

import logging
from typing import NamedTuple, Protocol

from schemas.experiment import DEFAULT_LIST, BadExperiments, Plan

log = logging.getLogger(__name__)


class ExperimentPlan(Protocol):
    """ExperimentsFile, or what stands for it in a test."""

    def plan(self) -> Plan: ...


class Assignment(NamedTuple):
    """`arm` as exposures name it; None outside of an experiment."""

    list: str
    arm: str | None


class Assignments:
    """`refresh` must be called again and again: a request does not touch the file."""

    def __init__(self, file: ExperimentPlan) -> None:
        self._file = file
        self._plan = Plan((), DEFAULT_LIST)
        self._fault = ""
        self.failures = 0
        """Looks at a file that declares no experiments as it should: the ones before stay."""

    @property
    def running(self) -> int:
        """How many experiments there are."""
        return len(self._plan.experiments)

    def refresh(self) -> None:
        """Read the file if it has changed."""
        try:
            self._plan, self._fault = self._file.plan(), ""
        except (BadExperiments, OSError) as error:
            self.failures += 1
            if str(error) != self._fault:
                self._fault = str(error)
                log.error("Experiments stay as they were: %s", error)

    def shown_to(self, user: str) -> Assignment:
        return Assignment(*self._plan.shown_to(user))
