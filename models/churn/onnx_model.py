"""A churn model as the stream holds it: one session, one thread, raw columns in, probabilities and reasons out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from models.churn.contract import CATEGORY_CODES, Contract
from models.churn.errors import RefusedModel
from models.churn.raw_values import ABSENT, NO_TEXT, Tensor, places_of, tensor
from models.churn.reason_text import Reason, ReasonTexts
from models.onnx_session import onnxruntime

MODEL_FILE, CONTRACT_FILE = "model.onnx", "contract.json"
SCORE_OUTPUTS = ("probability", "label")
REASON_OUTPUTS = ("log_odds", "reason_columns", "reason_log_odds")
_TYPES = {"number": "tensor(float)", "category": "tensor(string)"}

Floats = npt.NDArray[np.float64]


@dataclass
class Scores:
    """Of one batch.

    Parameters
    ----------
    probabilities
        Shape `(n,)`; NaN for a refused row.
    labels
        Shape `(n,)`: whether the customer is labelled `contract.positive`; False for a refused row.
    refusals
        Why a row was refused, by its place in the batch.
    unknown_categories
        How many values the training had not seen, by column; their rows are scored.
    reasons
        The strongest first, at most three a row, none for a refused row; empty unless they were asked for.
    """

    probabilities: Floats
    labels: npt.NDArray[np.bool_]
    refusals: dict[int, str] = field(default_factory=dict)
    unknown_categories: dict[str, int] = field(default_factory=dict)
    reasons: list[tuple[Reason, ...]] = field(default_factory=list)


class ChurnModel:
    """The model of one folder: `model.onnx` and its `contract.json`.

    Parameters
    ----------
    contract
        What it asks and promises; `contract.version` goes with every score.
    session
        An onnxruntime session of the graph, with one thread; use `load`.
    """

    def __init__(self, contract: Contract, session: Any) -> None:
        self.contract = contract
        self.session = session
        self._places = {column.name: places_of(column) for column in contract.columns}
        self._cells = _cells_of(tuple(self._places))
        self._reason_texts = ReasonTexts(contract)
        self._only_asked = onnxruntime.RunOptions()
        self._only_asked.only_execute_path_to_fetches = True  # reasons cost nothing when nobody asks

    @classmethod
    def load(cls, folder: Path) -> "ChurnModel":
        """The folder's model.

        Raises
        ------
        RefusedModel
            A file is missing or damaged, or the graph's inputs and outputs are not those of the contract.
        """
        contract = _contract(folder / CONTRACT_FILE)
        session = _session(folder / MODEL_FILE)
        _require_match(contract, session)
        model = cls(contract, session)
        model._require_scores()
        return model

    def columns_of(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Sequence[Any]]:
        """The model's columns of JSON objects. A key that a row does not have is refused, a null is a blank."""
        try:  # row by row: a list for each column goes through all rows' memory as often as there are columns
            columns = tuple(zip(*map(self._cells, rows), strict=True)) or ((),) * len(self._places)
            return dict(zip(self._places, columns, strict=True))
        except KeyError:
            return {name: [row.get(name, ABSENT) for row in rows] for name in self._places}

    def predict(self, columns: Mapping[str, Sequence[Any]], *, reasons: bool = False) -> Scores:
        """Scores of raw values, column by column; other columns than the model's are not looked at.

        What is taken and refused: `raw_values`. Where a column of the model is not there, every row is refused.

        Raises
        ------
        ValueError
            The columns have different lengths, or none of the model's is there.
        """
        n = self._length(columns)
        listed = {
            column.name: _listed(columns[column.name]) for column in self.contract.columns if column.name in columns
        }
        tensors = {
            column.name: tensor(column, self._places[column.name], listed.get(column.name, [ABSENT] * n))
            for column in self.contract.columns
        }
        asked = (*SCORE_OUTPUTS, *REASON_OUTPUTS) if reasons else SCORE_OUTPUTS
        probability, label, *explained = self.session.run(asked, self._inputs(tensors), self._only_asked)
        scores = _scores(tensors, probability, label)
        if reasons:
            scores.reasons = self._reasons(tensors, scores, *explained)
        return scores

    def _inputs(self, tensors: dict[str, Tensor]) -> dict[str, npt.NDArray[Any]]:
        columns = self.contract.columns
        inputs = {each.name: tensors[each.name].values if each.kind == "number" else NO_TEXT for each in columns}
        codes = [tensors[each.name].values for each in columns if each.kind == "category"]
        return inputs | {CATEGORY_CODES: np.stack(codes).astype(np.int32, copy=False)} if codes else inputs

    def _length(self, columns: Mapping[str, Sequence[Any]]) -> int:
        lengths = {len(columns[column.name]) for column in self.contract.columns if column.name in columns}
        if len(lengths) != 1:
            raise ValueError(f"columns of one length are needed, and not of {sorted(lengths)}")
        return lengths.pop()

    def _reasons(
        self,
        tensors: dict[str, Tensor],
        scores: Scores,
        log_odds: npt.NDArray[np.float32],
        columns: npt.NDArray[np.int64],
        contributions: npt.NDArray[np.float32],
    ) -> list[tuple[Reason, ...]]:
        """Log odds of each reason to points: how far the risk would fall without it."""
        without = 1 / (1 + np.exp(contributions.astype(np.float64) - log_odds[:, None]))
        points = np.rint(100 * (scores.probabilities[:, None] - without))
        points[list(scores.refusals)] = 0  # NaN so far; these reasons are taken out below
        values = [tensors[name].values for name in self.contract.reasons.columns]
        reasons = self._reason_texts.of(values, columns, points, contributions)
        for row in scores.refusals:
            reasons[row] = ()
        return reasons

    def _require_scores(self) -> None:
        usual = {column.name: [column.reference] for column in self.contract.columns}
        scores = self.predict(usual, reasons=True)
        if scores.refusals or not 0 <= scores.probabilities[0] <= 1:
            raise RefusedModel(f"the model does not score its own reference row: {scores}")


def _cells_of(names: Sequence[str]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    """What takes these out of a row.

    Raises
    ------
    KeyError
    """
    if len(names) == 1:  # of one name an itemgetter gives the value alone
        return lambda row: (row[names[0]],)
    return itemgetter(*names)


def _listed(values: Any) -> Sequence[Any]:
    """Python values of a list, a numpy array or a pandas series: numpy's own scalars are neither int nor str."""
    return values.tolist() if hasattr(values, "tolist") else values  # type: ignore[no-any-return]


def _scores(tensors: dict[str, Tensor], probability: npt.NDArray[np.float32], label: npt.NDArray[np.int64]) -> Scores:
    scores = Scores(probability.astype(np.float64), label == 1)
    for name, each in tensors.items():
        if each.unknown:
            scores.unknown_categories[name] = each.unknown
        for row, reason in each.refusals.items():
            scores.refusals.setdefault(row, reason)
    refused = list(scores.refusals)
    scores.probabilities[refused], scores.labels[refused] = np.nan, False
    return scores


def _contract(path: Path) -> Contract:
    try:
        return Contract.model_validate_json(path.read_bytes())
    except OSError as error:
        raise RefusedModel(f"{path} cannot be read: {error}") from None
    except ValidationError as error:
        raise RefusedModel(f"{path} is not a contract: {error}") from None


def _session(path: Path) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
    except OSError as error:
        raise RefusedModel(f"{path} cannot be read: {error}") from None
    except Exception as error:  # onnxruntime's exceptions share no class but this one
        raise RefusedModel(f"{path} is not a graph that onnxruntime accepts: {error}") from None


def _require_match(contract: Contract, session: Any) -> None:
    asked = {each.name: each.type for each in session.get_inputs()}
    promised = {column.name: _TYPES[column.kind] for column in contract.columns}
    if asked != promised:
        wrong = sorted(asked.items() ^ promised.items())
        raise RefusedModel(f"the graph's inputs are not those of its contract: {wrong}")
    optional = {each.name for each in session.get_overridable_initializers()}
    if "category" in {column.kind for column in contract.columns} and CATEGORY_CODES not in optional:
        raise RefusedModel(f"the graph does not take {CATEGORY_CODES}: it is of an older version, train it again")
    outputs = {each.name for each in session.get_outputs()}
    if not outputs.issuperset((*SCORE_OUTPUTS, *REASON_OUTPUTS)):
        raise RefusedModel(f"the graph lacks outputs: {sorted(outputs)}")
