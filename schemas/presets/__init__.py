"""Presets: sources of widespread devices and gateways. One TOML file each, with test vectors."""

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from pydantic import Base64Bytes, BaseModel, ConfigDict

from schemas.ignored_message import IgnoredReason


class Vector(BaseModel):
    """A message of such a device, and what it becomes.

    Parameters
    ----------
    payload, payload_base64
        As text, or bytes that are no text.
    readings
        `[device, metric, value, unit, event time in ms]`; without the time where it is the time of arrival.
    rejections
        Reasons, in the order of the message's items.
    ignored
        Why the message holds no reading and is not meant to.
    unread
        No source has the topic.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    topic: str
    payload: str = ""
    payload_base64: Base64Bytes | None = None
    login: str | None = None
    readings: tuple[tuple[Any, ...], ...] = ()
    rejections: tuple[str, ...] = ()
    ignored: IgnoredReason | None = None
    unread: bool = False

    @property
    def payload_bytes(self) -> bytes:
        """The payload as it is sent."""
        return self.payload.encode() if self.payload_base64 is None else self.payload_base64


class Preset(BaseModel):
    """A source without being declared yet."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    documentation: str
    source: Mapping[str, Any]
    vector: Sequence[Vector]


def _names() -> tuple[str, ...]:
    return tuple(
        sorted(file.name.removesuffix(".toml") for file in files(__package__).iterdir() if file.name.endswith(".toml"))
    )


PRESETS = _names()
"""Their names, in alphabetical order."""


@cache
def preset_text(name: str) -> str:
    """The file of a preset: its first lines say what a person has to know."""
    return files(__package__).joinpath(f"{name}.toml").read_text(encoding="utf-8")


@cache
def preset(name: str) -> Preset:
    """A preset by its name."""
    return Preset(**tomllib.loads(preset_text(name)))


def preset_fields(name: Any) -> Mapping[str, Any]:
    """The fields of a source with this preset; none where there is no such preset."""
    return {"name": name, **preset(name).source} if name in PRESETS else {}
