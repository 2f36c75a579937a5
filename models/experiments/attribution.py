"""Exposures and interactions to one outcome a user: what the statistics of an experiment are about.

A user counts once, from the first list of the experiment that was shown to them: with 1 if they did, within the
declared time after it, something that counts as a success and names a list of the experiment that they were shown; with
0 once that time is over.
Users, and not lists, are what was split by chance: lists of one user hang together, and a test over lists would find
differences that are none.
"""

from collections import Counter
from dataclasses import dataclass, field

from schemas.experiment import CONTROL, TREATMENT, Experiment
from schemas.exposure import Exposure
from schemas.interaction import Interaction

HOUR_MS = 3600 * 1000


@dataclass
class _User:
    arm: str
    first_ms: int


@dataclass
class Outcomes:
    """Takes exposures and interactions in any order; a copy of one changes nothing."""

    experiment: Experiment
    moved: set[str] = field(default_factory=set)
    """Users who were shown both arms: the shares were changed while it ran. They are left out."""
    newest_ms: int = 0
    """Event time of the newest exposure or interaction: what time it is."""

    def __post_init__(self) -> None:
        self._users: dict[str, _User] = {}
        self._shown_to: dict[str, str] = {}  # exposure -> user
        self._successes: list[tuple[str, str, int]] = []
        self._arms = {self.experiment.label(arm): arm for arm in (CONTROL, TREATMENT)}

    def exposed(self, exposure: Exposure) -> None:
        """A list that was shown; of another experiment, or none, it only says what time it is."""
        self.newest_ms = max(self.newest_ms, exposure.event_time)
        arm = self._arms.get(exposure.arm or "")
        if arm is None:
            return
        self._shown_to[exposure.exposure_id] = exposure.user
        user = self._users.setdefault(exposure.user, _User(arm, exposure.event_time))
        if user.arm != arm:
            self.moved.add(exposure.user)
        user.first_ms = min(user.first_ms, exposure.event_time)

    def acted(self, interaction: Interaction) -> None:
        """What a user did; what names no list, or is no success, only says what time it is."""
        self.newest_ms = max(self.newest_ms, interaction.event_time)
        if interaction.exposure_id is not None and interaction.action in self.experiment.success:
            self._successes.append((interaction.user, interaction.exposure_id, interaction.event_time))

    def exposed_users(self) -> Counter[str]:
        """Users of each arm, those who are still within the time included: for the sample ratio."""
        return Counter(user.arm for name, user in self._users.items() if name not in self.moved)

    def entered(self) -> list[tuple[int, bool, float]]:
        """Moment of the first list, whether treated, and outcome, of each user whose time is over; the oldest first.

        Those who succeeded wait for the end of their time as well: else successes would come before failures.
        """
        within_ms = int(self.experiment.within_h * HOUR_MS)
        succeeded = self._succeeded(within_ms)
        over = [
            (user.first_ms, user.arm == TREATMENT, float(name in succeeded))
            for name, user in self._users.items()
            if name not in self.moved and user.first_ms + within_ms <= self.newest_ms
        ]
        return sorted(over)

    def _succeeded(self, within_ms: int) -> set[str]:
        found = set()
        for name, exposure_id, time_ms in self._successes:
            user = self._users.get(name)
            own = self._shown_to.get(exposure_id) == name
            if user is not None and own and 0 <= time_ms - user.first_ms < within_ms:
                found.add(name)
        return found
