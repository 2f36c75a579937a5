"""A trained recommender as a folder: the graph, its contract, the gate's figures, the evaluation."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

from models.onnx_session import session_of
from models.recommend.contract import RecommendContract
from models.recommend.gate import GateFigures, pass_gate
from models.recommend.history import SESSION_S, Histories
from models.recommend.interactions import Interactions
from models.recommend.onnx_graph import graph
from models.recommend.onnx_model import CONTRACT_FILE, MODEL_FILE, RecommendModel
from models.recommend.recommender import Recommender

GATE_FILE, EVALUATION_FILE = "gate.json", "evaluation.json"
LIBRARIES = ("numpy", "pandas", "scipy", "onnx", "onnxruntime")
N_RECOMMENDED = 50


@dataclass(frozen=True)
class Artifact:
    """What was written."""

    folder: Path
    contract: RecommendContract
    gate: GateFigures


def export(
    model: Recommender, events: Interactions, evaluation: Mapping[str, Any], folder: Path, version: str, seed: int = 7
) -> Artifact:
    """The folder of a model that learned all events, written behind the gate: where it is shut, nothing is written.

    Raises
    ------
    ExportDiffers
        The graph does not score or list as the model does.
    """
    serialised = graph(model, N_RECOMMENDED)
    gate = pass_gate(model, session_of(serialised), _histories(events), seed)
    contract = _contract(model, events, version)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MODEL_FILE).write_bytes(serialised)
    (folder / CONTRACT_FILE).write_text(contract.model_dump_json(indent=2) + "\n")
    (folder / GATE_FILE).write_text(json.dumps(gate.as_json(), indent=2) + "\n")
    (folder / EVALUATION_FILE).write_text(json.dumps(evaluation, indent=2) + "\n")
    RecommendModel.load(folder)
    return Artifact(folder, contract, gate)


def fingerprint(events: Interactions) -> str:
    """SHA-256 of the interactions in their order."""
    digest = hashlib.sha256(json.dumps([events.user_names, events.item_names]).encode())
    for column in (events.users, events.items, events.times_s):
        digest.update(column.tobytes())
    return digest.hexdigest()


def _histories(events: Interactions) -> list[Any]:
    histories = Histories(len(events.user_names))
    for user, item, time_s in zip(events.users, events.items, events.times_s, strict=True):
        histories.add(int(user), int(item), float(time_s))
    now_s = float(events.times_s[-1])
    return [histories.of(user, now_s) for user in range(len(events.user_names))]


def _contract(model: Recommender, events: Interactions, version: str) -> RecommendContract:
    return RecommendContract(
        version=version,
        kind=model.name,
        items=events.item_names,
        n_recommended=min(N_RECOMMENDED, model.n_items),
        session_s=SESSION_S,
        interactions=len(events),
        until_s=float(events.times_s[-1]),
        fingerprint=fingerprint(events),
        libraries={name: version_of(name) for name in LIBRARIES},
    )
