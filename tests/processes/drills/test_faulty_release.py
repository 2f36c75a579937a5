"""The release that `record-kills-worker` runs: workers that die of certain records until these are set aside."""

import os
import signal
import subprocess
import sys

import pytest

from drills.fatal_records import QUARANTINE_FILE, write_faulty_release
from drills.record_fault import fatal_number
from drills.releases import replace_line

OPERATOR = "store_redis.write"
INNOCENT = [b'{"sequence":%d}' % number for number in range(4)]
WORKER = f"""
import sys
from pathlib import Path
from jobs.operators.attempt_journal import AttemptJournal
from jobs.operators.quarantine import RecordPositions, Processing, Quarantine, Quarantined

records = [line.encode() for line in sys.argv[2:]]
batch = [(offset, record) for offset, record in enumerate(records)]
processing = Processing(
    positions=lambda batch: RecordPositions("readings", [0] * len(batch), [offset for offset, _ in batch]),
    split=lambda batch: [[each] for each in batch],
    attempt=lambda batch: [record.decode() for _, record in batch],
)
quarantine = Quarantine(AttemptJournal(Path(sys.argv[1]), {OPERATOR + ".0"!r}), processing)
for done in quarantine.run(batch):
    if isinstance(done, Quarantined):
        print("aside", done.position.offset, done.detail.splitlines()[-1])
    else:
        for record in done:
            print("done", record)
"""


@pytest.fixture
def release(tmp_path):
    folder = tmp_path / "release"
    folder.mkdir()
    write_faulty_release(folder)
    return folder


def worker(release, way):
    """One life of a worker that has an innocent record, a fatal one, and more innocent ones."""
    fatal = b'{"sequence":%d}' % fatal_number(OPERATOR, way)
    records = [each.decode() for each in (INNOCENT[0], fatal, *INNOCENT[1:])]
    command = [sys.executable, "-c", WORKER, str(release.parent / "attempts"), *records]
    environment = os.environ | {"PYTHONPATH": str(release)}
    return subprocess.run(command, cwd=release, env=environment, capture_output=True, text=True, timeout=120)


def done(life):
    return [line.removeprefix("done ").encode() for line in life.stdout.splitlines() if line.startswith("done ")]


def test_a_record_that_kills_its_worker_is_set_aside_in_the_fourth_life_and_the_others_are_done(release):
    lives = [worker(release, "kills") for _ in range(4)]
    assert [life.returncode for life in lives] == [-signal.SIGKILL] * 3 + [0]
    assert done(lives[-1]) == INNOCENT
    assert "aside 1 the worker that processed it ended without an exception" in lives[-1].stdout


def test_a_record_that_raises_is_set_aside_in_the_same_life(release):
    life = worker(release, "raises")
    assert (life.returncode, done(life)) == (0, INNOCENT)
    assert "aside 1 ArithmeticError: a fault that shows at this record alone" in life.stdout


def test_without_the_third_time_a_worker_dies_for_ever(release):
    replace_line(release / QUARANTINE_FILE, "ATTEMPTS = 3\n", "ATTEMPTS = 10**9\n")
    assert {worker(release, "kills").returncode for _ in range(5)} == {-signal.SIGKILL}
