"""What a job's code archive holds, as the interpreter of a worker sees it."""

import subprocess
import sys

from headrace import submission
from stack.layout import Layout


def test_presets_are_read_out_of_the_archive(tmp_path):
    archive = submission.code_archive(Layout(tmp_path))
    code = (
        f"import sys; sys.path.insert(0, {str(archive)!r})\nimport schemas.presets as p; print(p.__file__, *p.PRESETS)"
    )
    shown = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert str(archive) in shown.stdout
    assert "tasmota" in shown.stdout
