"""Customers and their usage to records of `churn.scores`, a micro-batch at a time."""

from dataclasses import dataclass

from models.churn.customer_batch import CustomerBatch
from models.churn.customer_rows import CustomerRows, Score, Unscored, customer_rows
from models.churn.onnx_model import ChurnModel
from models.churn.score_json import written
from schemas.reject_reasons import RejectReason
from schemas.usage_features import NO_USAGE


@dataclass
class CustomerOutcomes:
    """Of the records of a micro-batch.

    Parameters
    ----------
    scores
        Key and JSON of each, in the order in which the records came.
    unscored
        Why there is none for a record, by its place. There is neither for usage where the model reads none, or where
        the customer's row is deleted, not there yet, or cannot be scored, as was said when the row came.
    """

    scores: list[Score]
    unscored: dict[int, Unscored]


def outcomes(model: ChurnModel, batch: CustomerBatch) -> CustomerOutcomes:
    """What becomes of each record: one call of the model for all."""
    reads_usage = any(column.name in NO_USAGE for column in model.contract.columns)
    rows = customer_rows(batch.elements, reads_usage)
    scores = rows.deletions | _scored(model, rows)
    return CustomerOutcomes([scores[place] for place in sorted(scores)], rows.unscored)


def _scored(model: ChurnModel, rows: CustomerRows) -> dict[int, Score]:
    """The scores by the places of their rows; adds to `unscored` what the model refuses."""
    places, are_new, customers, changed_at, partitions, offsets, columns = rows.columns
    if not places:
        return {}
    scores = model.predict(model.columns_of(columns), reasons=True)
    risks, labels = scores.probabilities.tolist(), scores.labels.tolist()
    records = written(model.contract, customers, changed_at, risks, labels, scores.reasons, partitions, offsets)
    keys = [customer.encode() for customer in customers]
    found = dict(zip(places, zip(keys, records, strict=True), strict=True))
    for row, why in scores.refusals.items():
        del found[places[row]]
        if are_new[row]:
            rows.unscored[places[row]] = Unscored(RejectReason.UNSCORABLE_CUSTOMER, why)
    return found
