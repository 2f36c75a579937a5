"""Settings of the schedule: HEADRACE_WINDOWS_CORRECT_EVERY_S."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class WindowSettings(BaseSettings):
    """How often the local stack's corrector works."""

    model_config = SettingsConfigDict(env_prefix="HEADRACE_WINDOWS_", frozen=True, extra="ignore")

    correct_every_s: int = Field(300, ge=5, le=86_400, description="seconds between two corrections of windows")
