"""Churn risk of a company's customers: trained on any table of theirs, exported to ONNX, scored in the stream.

The stream needs `onnx_model` and `contract` only (numpy, onnxruntime, pydantic). Everything else needs the
training extra.
"""

from models.churn.contract import Column, Contract
from models.churn.errors import ChurnError, RefusedModel

__all__ = ["ChurnError", "Column", "Contract", "RefusedModel"]
