"""What the corrector says of its last run."""

import json
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class CorrectionFigures:
    """Ages in seconds, counts of the last run. `error` is None if that run came to its end."""

    age_s: int
    every_s: float
    error: str | None = None
    late: int = 0
    corrected: int = 0
    left: int = 0
    malformed: int = 0


def collect(report: Path) -> CorrectionFigures | None:
    """None before its first word, and where somebody else wrote the file."""
    try:
        report_json = json.loads(report.read_text())
        return CorrectionFigures(
            age_s=max(0, int(time.time() - report_json["at"])),
            every_s=report_json["every_s"],
            error=report_json.get("error"),
            **{name: report_json.get(name, 0) for name in ("late", "corrected", "left", "malformed")},
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
