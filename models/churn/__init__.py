"""Churn risk of a company's customers: trained on any table of theirs, exported to ONNX, scored in the stream.

The stream needs what is named here (numpy, onnxruntime, pydantic). Everything else needs the training extra.
"""

from models.churn.contract import Column, Contract
from models.churn.errors import ChurnError, RefusedModel
from models.churn.onnx_model import ChurnModel, Scores
from models.churn.raw_values import ABSENT

__all__ = ["ABSENT", "ChurnError", "ChurnModel", "Column", "Contract", "RefusedModel", "Scores"]
