"""A source appended to sources.toml: the text that is there stays as it is, with its comments."""

import json
from collections.abc import Sequence

from schemas.presets import preset_text
from schemas.sources_file import parse_sources

HEADER = """\
# Sources: which MQTT topics are read, and how payloads become readings. The first source whose filter matches has a
# topic. Fields: docs/reference/sources.md. Try it:  headrace source test --topic TOPIC PAYLOAD

# The default source, which is read as long as there is no such file.
[[source]]
name = "fleet"
topic = "fleet/{device}/telemetry"
"""
"""Of a new file. Without its source the devices that were read before would not be."""


def with_preset(
    text: str | None, preset: str, name: str | None = None, topics: Sequence[str] = (), file: str = "sources.toml"
) -> str:
    """The text of a file with one more source.

    Parameters
    ----------
    text
        Of the file; None where there is none.
    name
        Of the source; the preset's without one.
    topics
        In place of the preset's.

    Raises
    ------
    schemas.sources_file.BadSources
        The file has mistakes, before or with the new source.
    """
    before = HEADER if text is None else text
    newline = "\r\n" if "\r\n" in before else "\n"
    if before.strip():
        before = before.rstrip("\r\n") + 2 * newline
    added = before + _table(preset, name or preset, topics).replace("\n", newline)
    parse_sources(added, file)
    return added


def _table(preset: str, name: str, topics: Sequence[str]) -> str:
    lines = [*_comment(preset), "[[source]]", f"name = {_toml(name)}", f"preset = {_toml(preset)}"]
    if topics:
        lines.append(f"topic = {_toml(topics[0]) if len(topics) == 1 else _toml(list(topics))}")
    return "\n".join(lines) + "\n"


def _comment(preset: str) -> list[str]:
    """What a preset's file says at its beginning."""
    lines = preset_text(preset).splitlines()
    return lines[: next(number for number, line in enumerate(lines) if not line.startswith("#"))]


def _toml(value: str | list[str]) -> str:
    """JSON's texts and arrays of texts are TOML, but for DEL, which TOML wants escaped."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
