"""The file that declares experiments, and beside it which of them have ended; read again when one of them changes."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter

from connectors.atomic_write import atomic_write_text
from schemas.experiment import DEFAULT_LIST, BadExperiments, Experiment, List, Plan, experiments_of

DECLARED, ENDED = "experiments.toml", "experiments.ended.json"


class Ended(BaseModel):
    """How an experiment ended. `list` is what all users are shown from then on; None: what they were before it."""

    model_config = ConfigDict(frozen=True)

    at_ms: int
    list: List | None = None


_ENDED = TypeAdapter(dict[str, Ended])

Parsed = TypeVar("Parsed")


class ExperimentsFile:
    """Of one folder. Neither file need be there."""

    def __init__(self, folder: Path) -> None:
        self.declared, self._ended = folder / DECLARED, folder / ENDED
        self._seen: tuple[object, ...] = ()
        self._all: list[Experiment] = []
        self._over: dict[str, Ended] = {}

    def all(self) -> Sequence[Experiment]:
        """Those that are declared, ended ones too.

        Raises
        ------
        BadExperiments
            The file declares what is no experiment.
        """
        self._look()
        return self._all

    def ended(self) -> dict[str, Ended]:
        """By name of the experiment."""
        self._look()
        return self._over

    def running(self) -> list[Experiment]:
        """The experiments that have not ended, as the file declares them now.

        Raises
        ------
        BadExperiments
            When the file cannot be read, or declares what contradicts itself.
        """
        return [each for each in self.all() if each.name not in self._over]

    def plan(self) -> Plan:
        """Which list whom.

        Raises
        ------
        BadExperiments
        """
        running = self.running()
        promoted = [(ended.at_ms, ended.list) for ended in self._over.values() if ended.list is not None]
        return Plan(running, max(promoted)[1] if promoted else DEFAULT_LIST)

    def end(self, name: str, ended: Ended) -> None:
        """Says that an experiment is over. The next look of every reader sees it."""
        over = self.ended() | {name: ended}
        text = json.dumps({each: how.model_dump() for each, how in over.items()}, indent=2) + "\n"
        atomic_write_text(self._ended, text)

    def _look(self) -> None:
        seen = _stamp(self.declared), _stamp(self._ended)
        if seen == self._seen:
            return
        self._all = _read(self.declared, experiments_of) if seen[0] else []
        self._over = _read(self._ended, _ENDED.validate_json) if seen[1] else {}
        self._seen = seen


def _read(path: Path, parse: Callable[[str], Parsed]) -> Parsed:
    try:
        return parse(path.read_text())
    except ValueError as error:  # BadExperiments, pydantic's and UnicodeDecodeError are
        raise BadExperiments(f"{path.name}: {error}") from error


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
