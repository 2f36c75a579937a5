"""The model card, in the layout of Hugging Face: front matter with the figures, then what a user has to know [1]_.

References
----------
.. [1] M. Mitchell et al., Model Cards for Model Reporting, FAT* 2019.
"""

import json
from typing import Any

from models.churn.report.contents import Contents


def card(report: Contents) -> str:
    """Markdown."""
    return "\n".join([_front_matter(report), _use(report), _data(report), _evaluation(report), _limits(report)])


def _front_matter(report: Contents) -> str:
    # JSON is YAML: quotes and escapes are right for any name.
    metrics = [{"type": name, "value": round(value, 4)} for name, value in report["figures"].items()]
    result = {
        "task": {"type": "tabular-classification"},
        "dataset": {"type": "csv", "name": report["contract"]["fingerprint"][:12]},
        "metrics": metrics,
    }
    matter: dict[str, Any] = {
        "library_name": "onnx",
        "pipeline_tag": "tabular-classification",
        "tags": ["churn", "tabular-classification", report["model"]["family"]],
        "model-index": [{"name": f"churn {report['contract']['version']}", "results": [result]}],
    }
    return "---\n" + "\n".join(f"{name}: {json.dumps(value)}" for name, value in matter.items()) + "\n---\n"


def _use(report: Contents) -> str:
    contract, costs = report["contract"], report["settings"]["costs"]
    columns = ", ".join(f"`{column['name']}`" for column in contract["columns"])
    return f"""# Churn model {contract["version"]}

## Model details

A {report["model"]["family"]} that gives the probability of `{contract["target"]}` = `{contract["positive"]}` for one customer. \
Raw columns in, probability and label out; no code but the ONNX graph runs.

## Uses

Ranking customers by risk, and deciding whom to approach. A label is `{contract["positive"]}` from a probability of \
{contract["threshold"]:.3f} on, chosen for a cost of {costs["miss"]:g} for one who leaves unseen and \
{costs["false_alarm"]:g} for a false alarm. With other costs, train anew.

It is not made for decisions against a customer, and its reasons say what the model goes by, not what would keep somebody.

Columns it reads: {columns}.
"""


def _data(report: Contents) -> str:
    data = report["data"]
    dropped = "".join(f"\n* `{name}` is not used: {reason}" for name, reason in data["dropped"].items())
    return f"""## Training data

{data["rows"]:,} customers, {100 * data["positive_rate"]:.1f} % of whom left. SHA-256 of the table: \
`{report["contract"]["fingerprint"]}`.
{dropped}
"""


def _evaluation(report: Contents) -> str:
    lines = [
        f"| {name} | {value:.4f} | {report['intervals'][name][0]:.4f} to {report['intervals'][name][1]:.4f} |"
        for name, value in report["figures"].items()
    ]
    table = "\n".join(lines)
    return f"""## Evaluation

Nested stratified cross-validation; every customer was scored by a model that had not learned from them.

| figure | value | 95 % interval |
| --- | --- | --- |
{table}

The exported graph was compared with scikit-learn on {report["gate"]["rows"]:,} rows: largest difference \
{report["gate"]["largest_difference"]:.1e}, {report["gate"]["flipped_labels"]} labels flipped. Curves, groups and importance: \
`report.html`.
"""


def _limits(report: Contents) -> str:
    groups = ", ".join(report["fairness"]) or "none; choose them with `--group-by`"
    return f"""## Bias, risks and limitations

* It knows customers as they were when the table was made. Prices, products and competitors change: watch the drift of its \
input and of its outcomes.
* Error rates were compared by these groups: {groups}.
* A category that it has never seen adds nothing to the score. A blank where the table had none is refused.
"""
