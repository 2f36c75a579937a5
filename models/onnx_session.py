"""How models run: one thread, since a worker of a stream has one core."""

import os
from typing import Any

# Builds of onnxruntime send usage events to their maker; nothing of a company's stream leaves it. The first event goes
# when the library is loaded, before it could be told by its API: only this variable, set before, keeps it back.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime as onnxruntime  # for the other modules: whoever else imported it might be the first


def session_of(model: bytes) -> Any:
    """Of one thread."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # it warns of every input that may be left out
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
