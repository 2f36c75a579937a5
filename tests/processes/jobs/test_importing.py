"""Only main() has effects."""

import pkgutil
import subprocess
import sys

import jobs

IMPORT_ALL = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
import pyflink.java_gateway
sys.exit(1 if pyflink.java_gateway._gateway is not None else 0)
"""


def test_importing_every_module_of_jobs_starts_no_jvm():
    names = [module.name for module in pkgutil.walk_packages(jobs.__path__, "jobs.")]
    assert "jobs.clean_telemetry" in names
    done = subprocess.run([sys.executable, "-c", IMPORT_ALL, *names], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr or "a module started a JVM when it was imported"


def test_the_names_of_the_jobs_can_be_read_without_pyflink():
    script = "import sys, jobs.names; sys.exit('pyflink' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], timeout=60).returncode == 0
