"""Only main() has effects."""

import subprocess
import sys

import jobs
from tests.processes.fresh_interpreter import assert_importing_starts_no_jvm, modules_of


def test_importing_every_module_of_jobs_starts_no_jvm():
    names = modules_of(jobs)
    assert "jobs.clean_telemetry" in names
    assert_importing_starts_no_jvm(names)


def test_the_names_of_the_jobs_can_be_read_without_pyflink():
    script = "import sys, jobs.names; sys.exit('pyflink' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], timeout=60).returncode == 0
