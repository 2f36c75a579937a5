"""The process that workers of our jobs are forked from: `python -m jobs.fork_server SOCKET` (flink/patches)."""

import sys

from connectors import logging_setup
from flink.patches.forked_workers.server import serve
from jobs.names import ALL_JOBS, PACKAGES
from payload_codecs.registry import CODECS

if __name__ == "__main__":
    # Our own modules are imported for the packages of others that they need, and then forgotten: a worker runs the code
    # that was submitted with its job, not what lay here.
    logging_setup.configure()
    # A codec is imported when a source uses it: after a worker was forked.
    codecs = sorted({module for module, _ in CODECS.values()})
    serve(sys.argv[1], [*(f"jobs.{job}" for job in ALL_JOBS), *codecs], forget=PACKAGES)
