"""Experiments: which users are shown which list, as one file declares it."""

import re
import tomllib
from collections.abc import Sequence
from functools import cached_property
from hashlib import blake2b
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from schemas.errors import TerminalError
from schemas.record import faults

CONTROL, TREATMENT = "control", "treatment"
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")

List = Literal["personal", "popular", "trending"]
DEFAULT_LIST: List = "personal"
"""What a user is shown while nothing else was promoted."""


class BadExperiments(TerminalError, ValueError):
    """Raised where the file declares an invalid experiment; the message says which and why.

    Terminal: the file has to be changed.
    """


class Arm(BaseModel):
    """What one part of the users is shown."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    share: float = Field(gt=0, le=100, description="percent of all users")
    list: List


class Experiment(BaseModel):
    """Two arms, what counts as a success, and how long after a user's first list it counts.

    Who is in which arm follows from the user's id and the experiment's name alone: the same user sees the same arm on
    every instance and after every restart, and another experiment splits the same users independently.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    control: Arm
    treatment: Arm
    success: tuple[str, ...] = Field(("buy",), min_length=1, description="actions of interactions")
    within_h: float = Field(24, gt=0, le=30 * 24)
    alpha: float = Field(0.05, gt=0, lt=0.5)

    @model_validator(mode="after")
    def _makes_sense(self) -> "Experiment":
        if NAME.fullmatch(self.name) is None:
            raise ValueError("a name has lower-case letters, digits, - and _, at most 63")
        if self.control.share + self.treatment.share > 100:
            raise ValueError("the shares of both arms are more than 100 percent")
        return self

    def arm_of(self, user: str) -> str | None:
        """`control`, `treatment`, or None for a user outside of the experiment."""
        place = int.from_bytes(blake2b(user.encode(), digest_size=8, key=self._key).digest(), "big") / 2**64 * 100
        if place < self.control.share:
            return CONTROL
        return TREATMENT if place < self.control.share + self.treatment.share else None

    def arm(self, name: str) -> Arm:
        """The arm of that name; any name but `control` is the treatment."""
        return self.control if name == CONTROL else self.treatment

    def label(self, arm: str) -> str:
        """How exposures name it."""
        return f"{self.name}/{arm}"

    @property
    def treated_share(self) -> float:
        """Among the users of both arms."""
        return self.treatment.share / (self.control.share + self.treatment.share)

    @cached_property
    def _key(self) -> bytes:
        return self.name.encode()


def experiments_of(text: str) -> list[Experiment]:
    """The experiments that a TOML text declares, in its order.

    Raises
    ------
    BadExperiments
        It is no TOML, or declares what is no experiment.

    Examples
    --------
    >>> [one] = experiments_of('''
    ... [personal-list]
    ... control = { share = 50, list = "popular" }
    ... treatment = { share = 50, list = "personal" }
    ... ''')
    >>> one.arm_of("user-1"), one.arm_of("user-3"), one.success
    ('control', 'treatment', ('buy',))
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadExperiments(f"not TOML: {error}") from None
    return [_experiment(name, table) for name, table in tables.items()]


class Plan(NamedTuple):
    """Which list whom."""

    experiments: Sequence[Experiment]
    """Those that run; a user is in one at most, the first that has them."""
    usual: List
    """For users outside of all of them."""

    def shown_to(self, user: str) -> tuple[List, str | None]:
        """The list, and the arm as exposures name it; None outside of an experiment."""
        for experiment in self.experiments:
            if arm := experiment.arm_of(user):
                return experiment.arm(arm).list, experiment.label(arm)
        return self.usual, None


def _experiment(name: str, table: object) -> Experiment:
    if not isinstance(table, dict):
        raise BadExperiments(f"{name} is not a table: an experiment begins with a line [name]")
    try:
        return Experiment(name=name, **table)
    except ValidationError as error:
        raise BadExperiments(f"experiment {name}: {'; '.join(faults(error))}") from None
