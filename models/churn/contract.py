"""What a model asks of its input and promises of its output: `contract.json`, beside `model.onnx`."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from models.churn.number_text import Notation

MISSING = ""
"""A missing category: blank, as a CSV has it. It is a category like any other."""

CATEGORY_CODES = "category_codes"
"""The graph's other way to take categories: int32 `(n_category_columns, rows)`, places in `Column.categories`."""

UNKNOWN_CODE = -1
"""The code of a category that the training had not seen."""


RESERVED = frozenset({"probability", "label", "log_odds", "reason_columns", "reason_log_odds", CATEGORY_CODES})
"""Names of the graph's own inputs and outputs, which no column can have."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Column(_Frozen):
    """One raw column that the model reads.

    Parameters
    ----------
    nullable
        Whether the table of the training had blanks in it.
    categories
        Those seen in training, MISSING included; empty for a number. A category's place is its code.
    reference
        The usual value: the median, or the most frequent category.
    notation
        How the table wrote the numbers; None as Python and JSON do. Text is read by it.
    missing_words
        Whether NA, null, ? and the like are missing and not words: in numbers. Models up to 0.1 have it in categories.
    """

    name: str
    kind: Literal["number", "category"]
    nullable: bool
    categories: tuple[str, ...] = ()
    reference: float | str
    notation: Notation | None = None
    missing_words: bool = True


class ReasonsContract(_Frozen):
    """How the reasons were made.

    Parameters
    ----------
    method
        In words.
    columns
        In the order of the graph's output `contributions`.
    fidelity
        R² of the sum of a row's contributions against the model's own log odds, on rows the tables were not made of.
    """

    method: str
    columns: tuple[str, ...]
    fidelity: float


class Contract(_Frozen):
    """A model's contract. `threshold`: a row is labelled `positive` from this probability on."""

    name: Literal["churn"] = "churn"
    version: str
    identifier: str | None
    target: str
    columns: tuple[Column, ...] = Field(min_length=1)
    threshold: float = Field(ge=0, le=1)
    positive: str
    negative: str
    reasons: ReasonsContract
    fingerprint: str
    libraries: dict[str, str]
    seed: int
