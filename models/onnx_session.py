"""How models run: one thread, since a worker of a stream has one core."""

from typing import Any

import onnxruntime

# Builds of onnxruntime may send usage events to their maker; nothing of a company's stream leaves it.
onnxruntime.disable_telemetry_events()


def session_of(model: bytes) -> Any:
    """Of one thread."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # it warns of every input that may be left out
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
