"""The report as one HTML page without outside parts: what page.html.j2 shows."""

from collections.abc import Sequence
from typing import Any

from models.churn.report import charts
from models.churn.report.contents import Contents
from models.churn.validation import CHOSEN
from models.templates import template

TITLES = {
    "roc_auc": "ROC AUC",
    "average_precision": "average precision",
    "brier": "Brier score",
    "log_loss": "log loss",
    "calibration_error": "calibration error",
}
CLASS_FIGURES = ("precision", "recall", "f1-score", "support")
GROUP_FIGURES = ("rate", "mean_probability", "flagged", "recall", "false_alarm_rate", "roc_auc")

Rows = list[list[str]]
Drawn = list[tuple[str, str]]
"""Charts, as markup, and their captions."""


def page(report: Contents) -> str:
    """The whole page."""
    negative, positive = report["contract"]["negative"], report["contract"]["positive"]
    return template(__file__, "page.html.j2").render(
        **report,
        titles=list(TITLES.values()),
        tiles=_tiles(report),
        chosen_name=CHOSEN,
        model_rows=_models(report),
        curve_charts=_curves(report),
        predicted=[f"predicted {negative}", f"predicted {positive}"],
        confusion_rows=_confusion(report, [negative, positive]),
        class_rows=_classes(report, [negative, positive]),
        cost_charts=[(charts.profit(report), "Savings over flagging nobody. Dot: the optimum.")],
        importance_charts=_importance(report),
        dependence_charts=[
            (charts.dependence(name, points), charts.caption(name, points))
            for name, points in report["partial_dependence"].items()
        ],
        fairness_tables=_fairness(report),
        provenance=_provenance(report),
    )


def _tiles(report: Contents) -> list[tuple[str, str, str, str]]:
    return [
        (title, *(f"{value:.4f}" for value in (report["figures"][name], *report["intervals"][name])))  # type: ignore[misc]
        for name, title in TITLES.items()
    ]


def _models(report: Contents) -> Rows:
    return [
        [name, *[_with_deviation(each, key) for key in TITLES]] for name, each in report["models"]["figures"].items()
    ]


def _curves(report: Contents) -> Drawn:
    return [
        (charts.roc(report), "ROC curve. Dotted: a random ranking."),
        (charts.precision_recall(report), "Precision-recall curve. Dotted: a random ranking."),
        (charts.calibration(report), "Calibration curve, with 95 % intervals. Dotted: perfect calibration."),
        (charts.lift(report), "Lift curve. Dotted: a random ranking."),
    ]


def _confusion(report: Contents, classes: Sequence[str]) -> Rows:
    return [
        [f"actual {name}", *(f"{count:,}" for count in row)]
        for name, row in zip(classes, report["confusion"], strict=True)
    ]


def _classes(report: Contents, classes: Sequence[str]) -> Rows:
    named = [(name, report["classification"][name]) for name in [*classes, "macro avg", "weighted avg"]]
    return [
        [name, *(f"{each[key]:,.0f}" if key == "support" else f"{each[key]:.3f}" for key in CLASS_FIGURES)]
        for name, each in named
    ]


def _importance(report: Contents) -> Drawn:
    return [
        (charts.permutation(report), "Permutation importance, on a quarter of the customers that was held out."),
        (
            charts.shapley(report),
            "Shapley values of the exported model, one dot a customer. Blue: low numbers, red: high, grey: categories.",
        ),
    ]


def _fairness(report: Contents) -> list[tuple[str, Rows]]:
    return [
        (name, [[each["group"], f"{each['rows']:,}", *(_rate(each[key]) for key in GROUP_FIGURES)] for each in groups])
        for name, groups in report["fairness"].items()
    ]


def _provenance(report: Contents) -> Rows:
    contract, model = report["contract"], report["model"]
    lines = {
        "data, SHA-256": contract["fingerprint"],
        "seed": contract["seed"],
        "libraries": ", ".join(f"{name} {version}" for name, version in contract["libraries"].items()),
        "parameters": ", ".join(f"{name} {_short(value)}" for name, value in model["parameters"].items()),
        "steps": ", ".join(f"{name} {value}" for name, value in model["steps"].items()),
        "columns not used": "; ".join(f"{name} ({reason})" for name, reason in report["data"]["dropped"].items())
        or "none",
        "how cells were read": "; ".join(report["data"]["notes"]) or "as they are written",
    }
    return [[name, str(value)] for name, value in lines.items()]


def _with_deviation(figures: dict[str, dict[str, float]], key: str) -> str:
    mean = f"{figures['mean'][key]:.4f}"
    return mean if key == "calibration_error" else f"{mean} ± {figures['deviation'][key]:.4f}"


def _rate(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
