"""The settings of a training: a TOML file, and options that go before it."""

import tomllib
from pathlib import Path
from typing import Any, Literal

import joblib
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from models.churn.costs import Costs
from models.churn.errors import UnusableSettings
from models.churn.pipeline import Steps

FamilyName = Literal["logistic", "forest", "boosting", "lightgbm"]


class TrainingSettings(BaseModel):
    """Of one training.

    Parameters
    ----------
    id
        The column that names the customer; None: the schema finds it.
    models
        Families to choose from.
    trials
        Parameters that each family tries, its sensible start included.
    folds, repeats
        Of the outer cross-validation, which the report is about.
    inner_folds
        Of the cross-validation inside each training side, which tunes, calibrates and sets the threshold.
    groups
        Columns by which the report compares error rates.
    jobs
        Outer folds at a time, each in a process of its own; as many as there are cores.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    target: str | None = None
    positive: str | None = None
    keep: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    id: str | None = None
    leak_auc: float = Field(default=0.95, gt=0.5, le=1)
    models: tuple[FamilyName, ...] = Field(default=("logistic", "forest", "boosting", "lightgbm"), min_length=1)
    trials: int = Field(default=8, ge=1)
    folds: int = Field(default=5, ge=2)
    repeats: int = Field(default=2, ge=1)
    inner_folds: int = Field(default=3, ge=2)
    steps: Steps = Steps()
    costs: Costs = Costs()
    groups: tuple[str, ...] = ()
    bootstraps: int = Field(default=1000, ge=50)
    seed: int = 7
    jobs: int = Field(default_factory=joblib.cpu_count, ge=1)

    def jobs_for(self, n_tasks: int) -> int:
        """Processes for this many tasks."""
        return min(self.jobs, n_tasks)


def load_settings(file: Path | None = None, **options: Any) -> TrainingSettings:
    """Those of the file, where an option is not None the option's.

    Raises
    ------
    UnusableSettings
        The file is no TOML, or a setting does not exist or is out of its range.
    """
    try:
        stated = tomllib.loads(file.read_text()) if file else {}
        costs = {name: value for name, value in (options.pop("costs", None) or {}).items() if value is not None}
        stated |= {name: value for name, value in options.items() if value is not None}
        stated["costs"] = stated.get("costs", {}) | costs
        return TrainingSettings(**stated)
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise UnusableSettings(f"{file} cannot be read as TOML: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise UnusableSettings(
            f"{'.'.join(map(str, first['loc']))}: {first['msg']}. docs/how-to/churn.md lists the settings."
        ) from None
