"""Everything that the report shows, as JSON."""

from collections import Counter
from typing import Any

from sklearn.metrics import classification_report, confusion_matrix

from models.churn.artifact import Artifact
from models.churn.metrics import figures
from models.churn.report import curves
from models.churn.report.explanations import partial_dependence, permutation_importance, shapley_summary
from models.churn.report.fairness import by_group
from models.churn.report.intervals import intervals
from models.churn.settings import TrainingSettings
from models.churn.shapley import Score
from models.churn.training import Prepared
from models.churn.tuning import Fitted
from models.churn.validation import CHOSEN, Validation

Contents = dict[str, Any]


def contents(
    prepared: Prepared,
    settings: TrainingSettings,
    validation: Validation,
    fitted: Fitted,
    artifact: Artifact,
    score: Score,
) -> Contents:
    """The report of one training. `score`: the exported graph's log odds of features."""
    return {
        "contract": artifact.contract.model_dump(mode="json"),
        "settings": settings.model_dump(mode="json"),
        "data": _data(prepared),
        "model": {"family": fitted.family, "parameters": fitted.parameters, "steps": fitted.steps.model_dump()},
        "gate": artifact.gate.as_json(),
        "models": _models(validation),
        **_out_of_fold(prepared, settings, validation),
        **_explanations(prepared, settings, fitted, score),
    }


def _data(prepared: Prepared) -> Contents:
    labels, schema = prepared.target.labels, prepared.schema
    return {
        "rows": len(labels),
        "positive_rate": float(labels.mean()),
        "dropped": {dropped.name: dropped.reason for dropped in schema.dropped},
        "notes": list(schema.notes),
        "auc_alone": schema.alone,
    }


def _models(validation: Validation) -> Contents:
    shown = {
        name: {"mean": validation.mean(name), "deviation": validation.deviation(name)} for name in validation.names()
    }
    return {"figures": shown, "chosen_in_folds": dict(Counter(fold.chosen for fold in validation.folds))}


def _out_of_fold(prepared: Prepared, settings: TrainingSettings, validation: Validation) -> Contents:
    labels = prepared.target.labels
    predicted, flagged = validation.out_of_fold(CHOSEN)
    names = [prepared.target.negative, prepared.target.positive]
    return {
        "figures": figures(labels, predicted),
        "intervals": intervals(labels, predicted, settings.bootstraps, settings.seed),
        "roc": curves.roc(labels, predicted),
        "precision_recall": curves.precision_recall(labels, predicted),
        "calibration": curves.calibration(labels, predicted),
        "lift": curves.lift(labels, predicted),
        "profit": curves.profit(labels, predicted, settings.costs),
        "cost_per_customer": settings.costs.of(labels, flagged) / len(labels),
        "cost_of_flagging_nobody": settings.costs.miss * float(labels.mean()),
        "confusion": confusion_matrix(labels, flagged).tolist(),
        "classification": classification_report(labels, flagged, target_names=names, output_dict=True, zero_division=0),
        "fairness": {name: by_group(prepared.table[name], labels, predicted, flagged) for name in settings.groups},
    }


def _explanations(prepared: Prepared, settings: TrainingSettings, fitted: Fitted, score: Score) -> Contents:
    shapley = shapley_summary(score, prepared.frame, settings.seed)
    columns = prepared.schema.columns
    return {
        "permutation_importance": permutation_importance(fitted, prepared, settings),
        "shapley": shapley,
        "partial_dependence": partial_dependence(score, prepared.frame, columns, list(shapley), settings.seed),
    }
