"""What a fresh interpreter does when it imports modules of ours."""

import pkgutil
import subprocess
import sys
from types import ModuleType

IMPORT_ALL = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
import pyflink.java_gateway
sys.exit(1 if pyflink.java_gateway._gateway is not None else 0)
"""


def modules_of(package: ModuleType) -> list[str]:
    """Names of all modules of a package."""
    return [module.name for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]


def assert_importing_starts_no_jvm(names: list[str]) -> None:
    done = subprocess.run([sys.executable, "-c", IMPORT_ALL, *names], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr or "a module started a JVM when it was imported"
