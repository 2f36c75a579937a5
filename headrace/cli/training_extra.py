"""What only trains is an extra: without it, one line says how to install it."""

from collections.abc import Sequence
from importlib.util import find_spec

from headrace.errors import MissingTrainingExtra

PACKAGES = ("sklearn", "lightgbm", "optuna", "onnx", "matplotlib", "mlflow", "sqlalchemy", "alembic")


def require_training_extra(packages: Sequence[str] = PACKAGES, what: str = "Training") -> None:
    """Nothing, where all packages can be imported. `what` needs them, in the message.

    Raises
    ------
    MissingTrainingExtra
        A package of the extra is not installed.
    """
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        raise MissingTrainingExtra(f"{what} needs {', '.join(missing)}. Install what it needs:  uv sync --extra train")
