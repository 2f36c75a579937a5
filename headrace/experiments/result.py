"""How an experiment stands: outcomes from the topics, the interval after each user, the sample ratio."""

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.experiments_file import Ended
from models.experiments.attribution import Outcomes
from models.experiments.confidence_sequence import Interval, intervals
from models.experiments.sample_ratio import mismatch_p
from schemas.experiment import CONTROL, TREATMENT, Experiment

MISMATCH = 0.01
"""A sample ratio less likely than this is said to be one."""


@dataclass(frozen=True)
class ArmFigures:
    """Users whose time is over, and how many of them succeeded."""

    exposed: int
    users: int
    successes: int

    @property
    def rate(self) -> float:
        return self.successes / self.users if self.users else float("nan")


@dataclass(frozen=True)
class ExperimentResult:
    """As of the newest event."""

    experiment: Experiment
    ended: Ended | None
    arms: dict[str, ArmFigures]
    curve: Sequence[tuple[int, Interval]]
    """Moment at which a user entered, in ms, and the interval after them."""
    sample_ratio_p: float
    moved: int

    @property
    def interval(self) -> Interval | None:
        return self.curve[-1][1] if self.curve else None

    @property
    def is_mismatched(self) -> bool:
        return self.sample_ratio_p < MISMATCH

    @property
    def verdict(self) -> str:
        """One sentence."""
        if self.is_mismatched:
            return "Users did not come to the arms as declared: find out why, and trust no figure until then."
        if self.interval is None or not self.interval.decides:
            return "Nothing is decided yet. Look again whenever you like: the interval allows for that."
        better = TREATMENT if self.interval.low > 0 else CONTROL
        return f"{better} is better. Give it to all:  headrace experiment promote {self.experiment.name} {better}"


def result(outcomes: Outcomes, ended: Ended | None) -> ExperimentResult:
    """Of one experiment. What came after its end does not count."""
    experiment = outcomes.experiment
    entered = [each for each in outcomes.entered() if ended is None or each[0] <= ended.at_ms]
    exposed = outcomes.exposed_users()
    arms = {}
    for arm in (CONTROL, TREATMENT):
        of_arm = [success for _, treated, success in entered if treated is (arm == TREATMENT)]
        arms[arm] = ArmFigures(exposed[arm], len(of_arm), int(sum(of_arm)))
    found = intervals(
        ((treated, success) for _, treated, success in entered), experiment.treated_share, experiment.alpha
    )
    shares = {arm: experiment.arm(arm).share for arm in arms}
    return ExperimentResult(
        experiment=experiment,
        ended=ended,
        arms=arms,
        curve=[(time_ms, interval) for (time_ms, _, _), interval in zip(entered, found, strict=True)],
        sample_ratio_p=mismatch_p(exposed, shares),
        moved=len(outcomes.moved),
    )
