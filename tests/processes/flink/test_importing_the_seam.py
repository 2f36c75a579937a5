"""What a fresh interpreter loads when it imports the seam to Flink."""

import pkgutil
import subprocess
import sys

import flink
from stack.layout import REPOSITORY

IMPORT_ALL = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
import pyflink.java_gateway
sys.exit(1 if pyflink.java_gateway._gateway is not None else 0)
"""


def test_importing_the_seam_starts_no_jvm():
    names = [module.name for module in pkgutil.walk_packages(flink.__path__, "flink.")]
    assert "flink.patches.forked_workers.server" in names
    done = subprocess.run([sys.executable, "-c", IMPORT_ALL, *names], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr or "a module started a JVM when it was imported"


def test_the_patches_and_the_framing_can_be_read_without_pyflink():
    script = (
        "import sys, flink.framing, flink.patches.beam_loopback, flink.patches.forked_workers;"
        "sys.exit('pyflink' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], timeout=60, cwd=REPOSITORY).returncode == 0
