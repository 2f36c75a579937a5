"""A stack of the benchmarks' own, beside the one that people use."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stack.layout import Layout

PORT_OFFSET = 5000


@contextmanager
def bench_stack(*options: str) -> Iterator[Layout]:
    """A fresh stack that is up inside the block and gone after it. HEADRACE_BENCH_HOME keeps one that is up already.

    `options` are those of `headrace up`.
    """
    kept = os.environ.get("HEADRACE_BENCH_HOME")
    home = Path(kept) if kept else Path(tempfile.mkdtemp(prefix="headrace-bench-"))
    layout = Layout.of(home, PORT_OFFSET)
    try:
        headrace(layout, "up", "--port-offset", str(PORT_OFFSET), *options)
        yield layout
    finally:
        if not kept:
            headrace(layout, "down")
            shutil.rmtree(home)


def headrace(layout: Layout, *arguments: str) -> None:
    """Runs the command line against this stack."""
    command = [sys.executable, "-m", "headrace", *arguments, "--home", str(layout.home)]
    subprocess.run(command, check=True, env=layout.environment())
