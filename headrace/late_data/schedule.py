"""Correction again and again, for a supervisor; the last outcome in a file for `headrace status`."""

import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connectors.atomic_write import atomic_write_text
from headrace.errors import WindowsNotCorrected
from headrace.late_data.recompute import CorrectionResult
from schemas.topics import TELEMETRY_LATE

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Schedule:
    """Runs `run` every `every_s` seconds, and writes into `report` how the last run ended.

    A run that fails is logged and tried again after the pause: nothing was committed past it.
    """

    run: Callable[[], CorrectionResult]
    every_s: float
    report: Path
    sleep: Callable[[float], None] = time.sleep

    def forever(self) -> None:
        self._write_report({})
        while True:
            self._write_report(self._once())
            self.sleep(self.every_s)

    def _once(self) -> dict[str, Any]:
        try:
            result = self.run()
        except WindowsNotCorrected as error:
            log.warning("Windows were not corrected: %s", error)
            return {"error": str(error)}
        for each in result.malformed_records:
            log.warning(
                "Skipped a record that is not a late reading: %s",
                each,
                extra={"topic": TELEMETRY_LATE.name, "partition": each.partition, "offset": each.offset},
            )
        counts = {
            "late": result.late, "corrected": result.corrected, "left": result.left, "malformed": result.malformed,
        }  # fmt: skip
        if any(counts.values()):
            log.info(
                "%d late readings: %d windows corrected, %d late readings left for the next run, %d records malformed",
                *counts.values(),
            )
        return counts

    def _write_report(self, outcome: dict[str, Any]) -> None:
        report = {"at": time.time(), "every_s": self.every_s, **outcome}
        atomic_write_text(self.report, json.dumps(report) + "\n")
