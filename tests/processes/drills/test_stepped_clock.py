"""The clock of one process, set by a drill while it runs."""

import os
import subprocess
import sys
import time

import pytest

from drills.stepped_clock import SteppedClock, library, why_no_stepped_clock

CLOCKS = "import time\nwhile input() is not None: print(time.time(), time.monotonic(), flush=True)"
A_DAY_S = 24 * 3600

pytestmark = pytest.mark.skipif(library() is None, reason=why_no_stepped_clock() or "there is libfaketime")


def test_only_the_wall_clock_of_a_process_is_set_while_it_runs(tmp_path):
    clock = SteppedClock(tmp_path / "clock", library())
    environment = os.environ | clock.environment
    command = [sys.executable, "-c", CLOCKS]
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:

        def clocks():
            process.stdin.write("\n")
            process.stdin.flush()
            return map(float, process.stdout.readline().split())

        for offset_s in (0, A_DAY_S, -A_DAY_S, 0):
            clock.step_to(offset_s)
            wall_s, monotonic_s = clocks()
            assert abs(wall_s - time.time() - offset_s) < 60
            assert abs(monotonic_s - time.monotonic()) < 60
        process.kill()
