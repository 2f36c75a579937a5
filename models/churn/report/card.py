"""The model card, in the layout of Hugging Face: front matter with the figures, then what a user has to know [1]_.

References
----------
.. [1] M. Mitchell et al., Model Cards for Model Reporting, FAT* 2019.
"""

import json
from typing import Any

from models.churn.report.contents import Contents
from models.templates import template


def card(report: Contents) -> str:
    """Markdown."""
    return template(__file__, "card.md.j2").render(**report, front_matter=_front_matter(report))


def _front_matter(report: Contents) -> dict[str, str]:
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
    # JSON is YAML: quotes and escapes are right for any name.
    return {name: json.dumps(value) for name, value in matter.items()}
