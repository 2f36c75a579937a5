"""One training from a file to a registered model."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from headrace.model_store.store import CHURN, ModelStore
from models.churn.artifact import Artifact, export, log_odds_of
from models.churn.errors import UnusableSettings
from models.churn.onnx_model import MODEL_FILE
from models.churn.reason_tables import SAME
from models.churn.report.contents import contents
from models.churn.report.writing import write_report
from models.churn.settings import TrainingSettings
from models.churn.tables import fingerprint
from models.churn.training import Prepared, train
from models.churn.validation import CHOSEN, Validation, validate
from models.onnx_session import session_of
from models.registry import Registered

Progress = Callable[[], None]


@dataclass(frozen=True)
class Trained:
    """What came of it.

    Parameters
    ----------
    registered
        None where only a folder was asked for.
    scores_alike
        Whether the model gives every customer the same probability, since no column says who leaves.
    """

    validation: Validation
    artifact: Artifact
    registered: Registered | None
    scores_alike: bool


def n_steps(settings: TrainingSettings) -> int:
    """How often a run calls its progress."""
    return settings.folds * settings.repeats + len(settings.models) + 2


def require_folder(out: Path) -> None:
    """Make the folder: what cannot be written is said before the training, which takes minutes.

    Raises
    ------
    UnusableSettings
        It cannot be made.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnusableSettings(f"--out {out} is not a folder that can be written to: {error.strerror}") from None


def run(
    prepared: Prepared, settings: TrainingSettings, progress: Progress, store: ModelStore | None, out: Path | None
) -> Trained:
    """Validate, train, export, report; into the store's registry and the folder `out`, where given."""
    labels, columns = prepared.target.labels, prepared.schema.columns
    validation = validate(prepared.frame, labels, columns, settings, progress)
    fitted = train(prepared, settings, progress)
    with TemporaryDirectory() as temporary:
        folder = out or Path(temporary) / "model"
        artifact = export(fitted, prepared, settings, folder, _version(prepared))
        progress()
        score = log_odds_of(session_of((folder / MODEL_FILE).read_bytes()))
        write_report(folder, contents(prepared, settings, validation, fitted, artifact, score))
        progress()
        registered = None if store is None else _register(store, artifact, validation)
        scores_alike = bool(np.ptp(score(prepared.frame)) < SAME)
    return Trained(validation, artifact, registered, scores_alike)


def _version(prepared: Prepared) -> str:
    """The time and the table: sorted by name is sorted by age."""
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{fingerprint(prepared.table)[:6]}"


def _register(store: ModelStore, artifact: Artifact, validation: Validation) -> Registered:
    gate = {f"gate_{name}": float(value) for name, value in artifact.gate.as_json().items()}
    figures = validation.mean(CHOSEN) | gate | {"reasons_fidelity": artifact.contract.reasons.fidelity}
    return store.registry.register(CHURN, artifact.folder, artifact.contract.version, figures)
