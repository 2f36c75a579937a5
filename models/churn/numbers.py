"""Numbers that came as text."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.churn.contract import MISSING
from models.churn.raw_values import LARGEST

Float32s = npt.NDArray[np.float32]


def parsed(cells: pd.Series) -> pd.Series:
    """The finite numbers among the cells as float64; NaN for anything else."""
    numbers = pd.to_numeric(cells, errors="coerce")
    return numbers.where(np.isfinite(numbers))


def share_of_numbers(cells: pd.Series) -> float:
    """How many of the cells that are not blank are numbers."""
    filled = cells[cells != MISSING]
    return float(parsed(filled).notna().mean()) if len(filled) else 0.0


def as_float32(cells: pd.Series) -> Float32s:
    """What the model sees of a number: the graph takes float32, so scikit-learn learns from float32 too."""
    numbers: npt.NDArray[np.float64] = parsed(cells).to_numpy(np.float64)
    return np.clip(numbers, -LARGEST, LARGEST).astype(np.float32)
