"""onnxruntime sends nothing to its maker, from the moment it is loaded."""

import re
import subprocess
import sys

import pytest

from stack.layout import REPOSITORY

TELLS = """
import importlib, os, sys
def tell(event, given):
    if event == "import" and given[0] == "onnxruntime":
        print(os.environ.get(sys.argv[1]))
sys.addaudithook(tell)
importlib.import_module(sys.argv[2])
"""


@pytest.mark.parametrize("module", ["models.churn.onnx_model", "models.recommend.onnx_model", "models.onnx_session"])
def test_it_is_told_before_it_is_loaded(module):
    command = [sys.executable, "-c", TELLS, "ORT_DISABLE_TELEMETRY", module]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=REPOSITORY)
    assert done.stdout.split()[:1] == ["1"]


def test_one_module_alone_imports_it():
    sources = (path for folder in REPOSITORY.glob("*/") if folder.name[0] != "." for path in folder.rglob("*.py"))
    found = [path for path in sources if re.search(r"^\s*(import|from) onnxruntime", path.read_text(), re.MULTILINE)]
    assert [str(path.relative_to(REPOSITORY)) for path in found] == ["models/onnx_session.py"]
