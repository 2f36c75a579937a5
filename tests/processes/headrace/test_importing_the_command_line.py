"""What a fresh interpreter loads when it imports the command line."""

import subprocess
import sys


def test_importing_the_command_line_loads_no_client_and_no_flink():
    code = "import sys, headrace.cli.main; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"pyflink", "kafka", "redis", "httpx", "psutil", "pydantic"} & set(loaded)
