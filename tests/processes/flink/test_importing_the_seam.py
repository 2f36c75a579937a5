"""What a fresh interpreter loads when it imports the seam to Flink."""

import subprocess
import sys

import flink
from stack.layout import REPOSITORY
from tests.processes.fresh_interpreter import assert_importing_starts_no_jvm, modules_of


def test_importing_the_seam_starts_no_jvm():
    names = modules_of(flink)
    assert "flink.patches.forked_workers.server" in names
    assert_importing_starts_no_jvm(names)


def test_the_patches_and_the_framing_can_be_read_without_pyflink():
    script = (
        "import sys, flink.framing, flink.patches.beam_loopback, flink.patches.forked_workers;"
        "sys.exit('pyflink' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], timeout=60, cwd=REPOSITORY).returncode == 0
