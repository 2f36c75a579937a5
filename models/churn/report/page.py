"""The report as one HTML page without outside parts."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from models.churn.report import charts
from models.churn.report.contents import Contents
from models.churn.validation import CHOSEN

TITLES = {
    "roc_auc": "ROC AUC",
    "average_precision": "average precision",
    "brier": "Brier score",
    "log_loss": "log loss",
    "calibration_error": "calibration error",
}
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1c2733; max-width: 68rem; margin: 2rem auto; padding: 0 1.5rem; }
h1 { font-size: 1.6rem; margin-bottom: .2rem; } h2 { font-size: 1.15rem; margin: 2.2rem 0 .4rem; }
p { max-width: 46rem; margin: .3rem 0 .8rem; } p.note, figcaption { color: #5b6773; font-size: .88rem; }
table { border-collapse: collapse; margin: .6rem 0; font-variant-numeric: tabular-nums; font-size: .92rem; }
th, td { padding: .25rem .9rem .25rem 0; text-align: right; border-bottom: 1px solid #e3e7eb; vertical-align: top; }
th { color: #5b6773; font-weight: 600; } th:first-child, td:first-child { text-align: left; }
tr.chosen { font-weight: 600; } table.words td { text-align: left; }
.charts { display: flex; flex-wrap: wrap; gap: 1.2rem 1.6rem; align-items: flex-start; }
figure { margin: 0; } figcaption { max-width: 24rem; } svg { max-width: 100%; height: auto; }
.tiles { display: flex; flex-wrap: wrap; gap: .8rem; margin: 1rem 0; }
.tile { border: 1px solid #e3e7eb; border-radius: .4rem; padding: .5rem .9rem; }
.tile b { display: block; font-size: 1.35rem; } .tile span { color: #5b6773; font-size: .85rem; }
code { font-size: .88rem; overflow-wrap: anywhere; }
"""


def page(report: Contents) -> str:
    """The whole page."""
    sections = (_head, _tiles, _models, _curves, _labels, _money, _explained, _fairness, _gate, _provenance)
    body = "\n".join(section(report) for section in sections)
    title = f"Churn model {escape(report['contract']['version'])}"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head>\n<body>\n{body}\n</body></html>\n'
    )


def _head(report: Contents) -> str:
    contract, data, settings = report["contract"], report["data"], report["settings"]
    return (
        f"<h1>Churn model {escape(contract['version'])}</h1>"
        f"<p>Predicts <code>{escape(contract['target'])} = {escape(contract['positive'])}</code> "
        f"({100 * data['positive_rate']:.1f} % of {data['rows']:,} customers) from {len(contract['columns'])} columns. "
        f"The model is {escape(report['model']['family'])}. Every figure and curve below is of customers that the model "
        f"which scored them had not learned from: {settings['folds']} stratified folds{_times(settings['repeats'])}; "
        "tuning, choice, calibration and threshold were done anew inside each.</p>"
    )


def _tiles(report: Contents) -> str:
    def tile(name: str, title: str) -> str:
        low, high = report["intervals"][name]
        return f'<div class="tile"><b>{report["figures"][name]:.4f}</b><span>{title}<br>{low:.4f} to {high:.4f}</span></div>'

    tiles = "".join(tile(name, title) for name, title in TITLES.items())
    note = (
        "Of the first of the repeats, each customer once; below it the 95 % interval by "
        f"{report['settings']['bootstraps']:,} bootstraps of the customers. Calibration error: 15 bins of equal counts; "
        "a bootstrap can only add to it, so its interval lies too high."
    )
    return f'<div class="tiles">{tiles}</div><p class="note">{note}</p>'


def _models(report: Contents) -> str:
    rows = [
        [name, *[_with_deviation(each, key) for key in TITLES]] for name, each in report["models"]["figures"].items()
    ]
    chosen = ", ".join(f"{name} in {n}" for name, n in report["models"]["chosen_in_folds"].items())
    note = (
        f"Mean and deviation over all {report['settings']['folds'] * report['settings']['repeats']} folds; the calibration error over the repeats, with all customers together. "
        f"<b>{CHOSEN}</b> is the model of least inner loss in each fold ({escape(chosen)}); below it the same with one step "
        "the other way. A difference smaller than the deviation decides nothing by itself."
    )
    return _section("Models", f'<p class="note">{note}</p>{_table(["model", *TITLES.values()], rows, CHOSEN)}')


def _curves(report: Contents) -> str:
    drawn = [
        (charts.roc(report), "ROC curve. Dotted: by chance."),
        (charts.precision_recall(report), "Precision and recall. Dotted: the rate of all."),
        (charts.calibration(report), "Calibration, with 95 % intervals. Dotted: said is seen."),
        (charts.lift(report), "Lift. Dotted: by chance."),
    ]
    return _section("Ranking and calibration", _figures(drawn))


def _labels(report: Contents) -> str:
    contract, matrix = report["contract"], report["confusion"]
    names = [contract["negative"], contract["positive"]]
    confusion = [
        [f"{name} in truth", *[f"{count:,}" for count in row]] for name, row in zip(names, matrix, strict=True)
    ]
    keys = ("precision", "recall", "f1-score", "support")
    of_class = [(name, report["classification"][name]) for name in [*names, "macro avg", "weighted avg"]]
    classes = [
        [name, *[f"{each[key]:,.0f}" if key == "support" else f"{each[key]:.3f}" for key in keys]]
        for name, each in of_class
    ]
    note = (
        f"Each fold has its own threshold, where the costs on its training side were least. The exported model's: "
        f"{contract['threshold']:.3f}."
    )
    tables = _table(["", *[f"labelled {name}" for name in names]], confusion) + _table(["", *keys], classes)
    return _section("Labels", f'<p class="note">{note}</p>{tables}')


def _money(report: Contents) -> str:
    costs = report["settings"]["costs"]
    note = (
        f"A customer who leaves unseen costs {costs['miss']:g}, a false alarm {costs['false_alarm']:g}. The labels cost "
        f"{report['cost_per_customer']:.3f} a customer; flagging nobody would cost {report['cost_of_flagging_nobody']:.3f}."
    )
    return _section("Costs", f"<p>{note}</p>{_figures([(charts.profit(report), 'Saved against flagging nobody.')])}")


def _explained(report: Contents) -> str:
    drawn = [
        (charts.permutation(report), "Permutation importance, on a quarter that the model had not learned."),
        (charts.shapley(report), "Shapley values of the exported model, one dot a customer."),
    ]
    dependence = [(charts.dependence(name, points), "") for name, points in report["partial_dependence"].items()]
    reasons = report["contract"]["reasons"]
    note = (
        "Partial dependence is the mean probability if everyone had this value. It and the Shapley values tell what the "
        "model does, not what makes customers leave. The reasons that go with a score are the Shapley values averaged by "
        f"value; together they give {100 * reasons['fidelity']:.1f} % of the variance of the model's log odds."
    )
    return _section("What it goes by", f'{_figures(drawn)}<p class="note">{note}</p>{_figures(dependence)}')


def _fairness(report: Contents) -> str:
    if not report["fairness"]:
        return _section("Groups", '<p class="note">None were asked for: <code>--group-by COLUMN</code>.</p>')
    titles = ["group", "customers", "left", "mean probability", "flagged", "recall", "false alarms", "ROC AUC"]
    keys = ("rate", "mean_probability", "flagged", "recall", "false_alarm_rate", "roc_auc")
    parts = []
    for name, groups in report["fairness"].items():
        rows = [[each["group"], f"{each['rows']:,}", *[_rate(each[key]) for key in keys]] for each in groups]
        parts.append(f"<h3>{escape(name)}</h3>{_table(titles, rows)}")
    note = '<p class="note">Groups of fewer than 30 customers are left out. A number of many values is cut in quarters.</p>'
    return _section("Groups", note + "".join(parts))


def _gate(report: Contents) -> str:
    gate = report["gate"]
    words = (
        f"{gate['rows']:,} rows, {gate['rows_at_split_thresholds']:,} of them at split thresholds, the others with blanks, "
        f"unknown categories and extremes: largest difference {gate['largest_difference']:.1e}, "
        f"{gate['flipped_labels']} labels flipped."
    )
    return _section("Export against scikit-learn", f"<p>{words}</p>")


def _provenance(report: Contents) -> str:
    contract, model = report["contract"], report["model"]
    lines = {
        "data, SHA-256": contract["fingerprint"],
        "seed": contract["seed"],
        "libraries": ", ".join(f"{name} {version}" for name, version in contract["libraries"].items()),
        "parameters": ", ".join(f"{name} {_short(value)}" for name, value in model["parameters"].items()),
        "steps": ", ".join(f"{name} {value}" for name, value in model["steps"].items()),
        "not used": "; ".join(f"{name} ({reason})" for name, reason in report["data"]["dropped"].items()) or "nothing",
        "how cells were read": "; ".join(report["data"]["notes"]) or "as they are written",
    }
    rows = [[name, str(value)] for name, value in lines.items()]
    return _section("Where it comes from", _table(["", ""], rows).replace("<table>", '<table class="words">'))


def _section(title: str, content: str) -> str:
    return f"<h2>{title}</h2>{content}"


def _figures(drawn: Iterable[tuple[str, str]]) -> str:
    figures = "".join(f"<figure>{svg}<figcaption>{escape(words)}</figcaption></figure>" for svg, words in drawn)
    return f'<div class="charts">{figures}</div>'


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]], strong: str | None = None) -> str:
    head = "".join(f"<th>{escape(title)}</th>" for title in titles)
    body = "".join(
        f"<tr{' class=chosen' if row[0] == strong else ''}>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>"
        for row in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>"


def _times(repeats: int) -> str:
    return "" if repeats == 1 else f", {repeats} times"


def _with_deviation(figures: dict[str, dict[str, float]], key: str) -> str:
    mean = f"{figures['mean'][key]:.4f}"
    return mean if key == "calibration_error" else f"{mean} ± {figures['deviation'][key]:.4f}"


def _rate(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
