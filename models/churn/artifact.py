"""A trained model as a folder: the graph, its contract, the gate's figures."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from models.churn.calibration import Floats
from models.churn.contract import Contract, ReasonsContract
from models.churn.gate import GateFigures, pass_gate
from models.churn.onnx_graph import graph
from models.churn.onnx_model import CONTRACT_FILE, MODEL_FILE, ChurnModel
from models.churn.reason_tables import ReasonTables, reason_tables
from models.churn.settings import TrainingSettings
from models.churn.tables import fingerprint
from models.churn.training import Prepared
from models.churn.tuning import Fitted
from models.onnx_session import session_of

GATE_FILE = "gate.json"
LIBRARIES = ("numpy", "pandas", "scikit-learn", "lightgbm", "optuna", "onnx", "onnxruntime")
METHOD = "Shapley values of the raw columns on the log odds, averaged by category and by range of a number"


@dataclass(frozen=True)
class Artifact:
    """What was written, and what is known of it."""

    folder: Path
    contract: Contract
    gate: GateFigures
    tables: ReasonTables


def export(fitted: Fitted, prepared: Prepared, settings: TrainingSettings, folder: Path, version: str) -> Artifact:
    """The model's folder, written behind the gate: where the gate is shut, nothing is written.

    Raises
    ------
    ExportRefused
        The graph does not score as the pipeline does.
    """
    columns, frame = prepared.schema.columns, prepared.frame
    plain = session_of(graph(fitted, columns))
    tables = reason_tables(log_odds_of(plain), frame, columns, settings.seed)
    whole = graph(fitted, columns, tables)
    gate = pass_gate(fitted, session_of(whole), frame, columns, settings.seed)
    contract = _contract(fitted, prepared, settings, tables, version)
    _write(folder, whole, contract, gate)
    ChurnModel.load(folder)
    return Artifact(folder, contract, gate, tables)


def log_odds_of(session: Any) -> Callable[[pd.DataFrame], Floats]:
    """The calibrated log odds of features, by the graph: many times quicker than by the pipeline."""

    def score(frame: pd.DataFrame) -> Floats:
        inputs = {name: frame[name].to_numpy().reshape(-1, 1) for name in frame}
        return np.asarray(session.run(["log_odds"], inputs)[0], np.float64)

    return score


def _contract(
    fitted: Fitted, prepared: Prepared, settings: TrainingSettings, tables: ReasonTables, version: str
) -> Contract:
    return Contract(
        version=version,
        identifier=prepared.schema.identifier,
        target=prepared.target.name,
        columns=prepared.schema.columns,
        threshold=fitted.threshold,
        positive=prepared.target.positive,
        negative=prepared.target.negative,
        reasons=ReasonsContract(method=METHOD, columns=tables.columns, fidelity=tables.fidelity),
        fingerprint=fingerprint(prepared.table),
        libraries={name: version_of(name) for name in LIBRARIES},
        seed=settings.seed,
    )


def _write(folder: Path, model: bytes, contract: Contract, gate: GateFigures) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MODEL_FILE).write_bytes(model)
    (folder / CONTRACT_FILE).write_text(contract.model_dump_json(indent=2) + "\n", encoding="utf-8")
    (folder / GATE_FILE).write_text(json.dumps(gate.as_json(), indent=2) + "\n")
