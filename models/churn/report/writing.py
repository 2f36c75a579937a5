"""The report's files, beside the model."""

import json
from pathlib import Path

from models.churn.report.card import card
from models.churn.report.contents import Contents
from models.churn.report.page import page

PAGE_FILE, JSON_FILE, CARD_FILE = "report.html", "report.json", "README.md"


def write_report(folder: Path, report: Contents) -> None:
    """`report.html`, `report.json` and the model card `README.md`."""
    (folder / PAGE_FILE).write_text(page(report), encoding="utf-8")
    (folder / JSON_FILE).write_text(json.dumps(report, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    (folder / CARD_FILE).write_text(card(report), encoding="utf-8")
