"""HAProxy itself reads the configuration that the stack writes."""

import shutil
import subprocess

import pytest

from stack import programs
from stack.haproxy import HAProxy
from stack.layout import Layout


@pytest.mark.skipif(shutil.which("haproxy", path="/usr/sbin:/usr/bin") is None, reason="haproxy is not installed")
def test_haproxy_takes_its_configuration(tmp_path):
    layout = Layout(tmp_path, 0)
    HAProxy(layout).configure()
    command = [str(programs.find("haproxy")), "-c", "-f", str(layout.home / "haproxy" / "haproxy.cfg")]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")
