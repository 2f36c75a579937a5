"""The corrector: windows with the readings that came too late for them, on a schedule (headrace/late_data)."""

import sys
from pathlib import Path
from typing import ClassVar

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from stack.server import NotYet, Server


class WindowSettings(BaseSettings):
    """How often windows are corrected with the readings that arrived late."""

    READ_BY: ClassVar[str] = "`headrace up`, for the corrector of the local stack, and the container role `corrector`"
    model_config = SettingsConfigDict(env_prefix="HEADRACE_WINDOWS_", frozen=True, extra="ignore")

    correct_every_s: int = Field(300, ge=5, le=86_400, description="Seconds between two corrections of windows.")


class Corrector(Server):
    """`headrace windows correct`, again and again, as a process of the stack."""

    name = "corrector"
    after = ("kafka", "influxdb")
    ready_within_s = 60

    def command(self) -> list[str]:
        # It may wait for a store that is behind as long as until the next run.
        pause = f"{WindowSettings().correct_every_s}s"
        correct = ["-m", "headrace", "windows", "correct", "--every", pause, "--wait", pause]
        return [sys.executable, *correct, "--report", str(self.report)]

    def before_start(self) -> None:
        self.report.unlink(missing_ok=True)

    def check(self) -> None:
        """Ready when it has begun: a run may wait for jobs that nobody has submitted yet."""
        if not self.report.is_file():
            raise NotYet("it has not started yet")

    @property
    def report(self) -> Path:
        """Where it writes its last outcome; `headrace status` reads it."""
        return self.layout.home / "run" / "corrector.json"
