"""Drills on upgrades: a job stops with a savepoint and goes on as something else."""

import re
from pathlib import Path

from drills.context import Context
from drills.drill import Drill, Protection
from drills.errors import NotPrepared
from drills.releases import copy_packages, run_release
from stack.layout import REPOSITORY

SCORING, CLEANING = "score_anomalies", "clean_telemetry"
DETECTOR_FILE = "models/detectors/novelty/fleet.py"
"""Of the default detector."""
COPIES = 20
"""Of readings from before the savepoint, after each start."""
SCALED_S = 15.0
"""Three checkpoints' worth of readings at each parallelism."""


def upgrade_the_detector(context: Context) -> None:
    """To a release whose detector cannot read what this one has learned."""
    path = context.flink.stop_with_savepoint(SCORING)
    context.announce("score_anomalies stopped with a savepoint; starting it with a detector of a newer version")
    release = context.environment.layout.folder("next-release")
    write_next_release(release)
    run_release(context, SCORING, path, release)


def scores_are_of_two_detectors(context: Context) -> list[str]:
    seen = sorted(context.committed.detector_versions)
    context.notes.append(f"Scores of detector versions {seen}; what the one before has learned is gone.")
    return [] if len(seen) == 2 else [f"scores are of detector versions {seen}, and not of two"]


def rescale_the_cleaning(context: Context) -> None:
    for parallelism in ("2", "1"):
        path = context.flink.stop_with_savepoint(CLEANING)
        context.announce(f"clean_telemetry stopped with a savepoint; starting it at parallelism {parallelism}")
        run_release(context, CLEANING, path, REPOSITORY, "-p", parallelism)
        context.stream.send_again(COPIES)
        context.flow(SCALED_S)


def copies_are_recognised(context: Context) -> list[str]:
    found, wanted = context.committed.duplicates, 2 * COPIES
    return [] if found == wanted else [f"{found} copies were recognised, and not {wanted}"]


def write_next_release(release: Path) -> int:
    """Our packages with the version of the default detector raised; the new version."""
    copy_packages(release)
    file = release / DETECTOR_FILE
    found = re.search(r"^    version = (\d+)$", file.read_text(), re.MULTILINE)
    if found is None:
        raise NotPrepared(f"{DETECTOR_FILE} has no line `version = N`: adapt drills/upgrades.py")
    version = int(found[1]) + 1
    file.write_text(file.read_text().replace(found[0], f"    version = {version}"))
    return version


DRILLS = (
    Drill(
        name="detector-upgraded",
        breaks="score_anomalies stops with a savepoint and goes on with a detector that cannot read its state.",
        protected_by=Protection(
            "jobs/operators/score_fleet.py",
            "except UnreadableState as error:",
            "a state that cannot be read starts cold, and is not raised again and again",
        ),
        inject=upgrade_the_detector,
        seen_failing="another exception caught in its place: no recovery, 9,257 of 9,792 readings without a score",
        check=scores_are_of_two_detectors,
    ),
    Drill(
        name="cleaning-rescaled",
        breaks="clean_telemetry stops with a savepoint and goes on at parallelism 2, then at 1 again. After each start "
        "copies come of readings from before it.",
        protected_by=Protection(
            "headrace/submission.py",
            '"--fromSavepoint", savepoint',
            "what the cleaning has seen comes with it, whatever its parallelism",
        ),
        inject=rescale_the_cleaning,
        seen_failing="left out: no copy recognised, 975 of 11,870 readings doubled in telemetry.readings",
        check=copies_are_recognised,
    ),
)
