"""What became of one drill."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from drills.counts import Counts
from schemas.errors import HeadraceError


@dataclass(frozen=True)
class Result:
    """One row of the report. `problems` empty: the drill holds."""

    name: str
    sent: int = 0
    acknowledged: int = 0
    counts: Counts = field(default_factory=Counts)
    redelivered: int = 0
    """Copies that came again and were told apart: they stand in telemetry.duplicates and nowhere else."""
    out_of_order: int = 0
    recovered_s: float = float("nan")
    balanced: bool = False
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    skipped: str = ""

    @property
    def holds(self) -> bool:
        return not self.problems and not self.skipped


@contextmanager
def noted(problems: list[str]) -> Iterator[None]:
    """What goes wrong in a drill is its result, and no reason to leave the others out."""
    try:
        yield
    except HeadraceError as error:
        problems.append(str(error))
