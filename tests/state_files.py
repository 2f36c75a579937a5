"""State as a checkpoint holds it, stored by the code of each version: what today's code must still read.

`python -m tests.state_files` writes the files of today's versions that tests/data/state lacks, and leaves
those alone that are there: they are what code of their time wrote. Run it after a version was raised.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from river import __version__ as river_version

from models.detectors import DETECTORS, Batch, Scorer, detector
from models.detectors.batch_codec import VERSION as BATCH_VERSION
from models.detectors.batch_codec import encode_batch
from models.detectors.river_fleet import RiverFleet
from models.recommend.online.recommender import LiveRecommender
from models.recommend.online.shard import JOURNAL_VERSION
from tests import recommender_states

FOLDER = Path(__file__).parent / "data" / "state"
NAMES = (*DETECTORS, "river:anomaly:StandardAbsoluteDeviation")
N_SNAPSHOT, N_JOURNAL, N = 1400, 1600, 2000
"""The snapshot has learned the readings before the first, the journal those before the second."""

_NAME = re.compile(r"(?P<detector>.+)\.scorer-(?P<scorer>\d+)\.fleet-(?P<fleet>\d+)(?:\.river-(?P<river>.+))?\.state")


@dataclass(frozen=True)
class Snapshot:
    """A frozen Scorer: its detector, the versions that wrote it, and River's for a fleet of River's own objects."""

    detector: str
    scorer: int
    fleet: int
    river: str | None

    @property
    def file_name(self) -> str:
        river = f".river-{self.river}" if self.river else ""
        return f"{self.detector.replace(':', '_')}.scorer-{self.scorer}.fleet-{self.fleet}{river}.state"

    def read(self) -> bytes:
        return (FOLDER / self.file_name).read_bytes()


def readings(start: int, end: int) -> Batch:
    """Readings of two series, one wild in a hundred. Of whole numbers: every machine and version has the same."""
    numbers = np.arange(start, end)
    values = numbers * 7919 % 1009 / 100 + np.where(numbers % 101 == 89, 500, 0)
    keys = [(f"pump-{number % 2}", "flow") for number in numbers.tolist()]
    zeros = np.zeros(len(numbers))
    return Batch(keys, 1_764_000_000_000 + numbers, values, zeros, numbers, zeros)


def stored_snapshots() -> Iterator[Snapshot]:
    """Those of every version."""
    for path in sorted(FOLDER.glob("*.scorer-*.state")):
        found = _NAME.fullmatch(path.name)
        assert found, f"{path.name} is named like no snapshot"
        yield Snapshot(found["detector"].replace("_", ":"), int(found["scorer"]), int(found["fleet"]), found["river"])


def stored_journals() -> list[Path]:
    """An entry of the journal of every version."""
    return sorted(FOLDER.glob("batch-*.state"))


def of_today(name: str) -> Snapshot:
    """The snapshot that today's code writes for a detector."""
    fleet = detector(name).make_fleet()
    return Snapshot(name, Scorer.version, fleet.version, river_version if isinstance(fleet, RiverFleet) else None)


def journal_of_today() -> Path:
    return FOLDER / f"batch-{BATCH_VERSION}.state"


def stored_recommenders() -> list[Path]:
    """The snapshots of a LiveRecommender of every version."""
    return sorted(FOLDER.glob("recommender-*.state"))


def stored_interactions() -> list[Path]:
    """An entry of the journal of a LiveShard of every version."""
    return sorted(FOLDER.glob("interactions-*.state"))


def recommender_of_today() -> Path:
    return FOLDER / f"recommender-{LiveRecommender.version}.state"


def interactions_of_today() -> Path:
    return FOLDER / f"interactions-{JOURNAL_VERSION}.state"


def write_missing() -> list[Path]:
    """Write the files of today's versions that are missing; gives them."""
    wanted = {FOLDER / of_today(name).file_name: name for name in NAMES}
    missing = {path: _snapshot(name) for path, name in wanted.items() if not path.exists()}
    if not journal_of_today().exists():
        missing[journal_of_today()] = encode_batch(readings(N_SNAPSHOT, N_JOURNAL))
    if not recommender_of_today().exists():
        missing[recommender_of_today()] = recommender_states.snapshot()
    if not interactions_of_today().exists():
        missing[interactions_of_today()] = recommender_states.journal()
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path, content in missing.items():
        path.write_bytes(content)
    return list(missing)


def _snapshot(name: str) -> bytes:
    scorer = Scorer(name)
    scorer.step(readings(0, N_SNAPSHOT))
    return scorer.snapshot()


if __name__ == "__main__":
    print("\n".join(map(str, write_missing())) or "nothing is missing")
