"""Options that say how a CSV file is written, of the commands that read one; and what their texts mean."""

import re
from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

FILE_PANEL = "How the file is written, where it is not detected"

_DECIMALS = {"point": ".", ".": ".", "comma": ",", ",": ","}
_SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t", "space": " ", "pipe": "|"}
_TIME_FORMATS = ("iso8601", "s", "ms", "us", "ns")

Separator = Annotated[
    str | None,
    typer.Option(
        metavar="CHARACTER",
        help="What separates columns: a character, or `tab`, `space`.",
        show_default="detected",
        rich_help_panel=FILE_PANEL,
    ),
]
HeaderLine = Annotated[
    int | None,
    typer.Option(
        metavar="NUMBER",
        min=1,
        help="Line with the columns' names, where others stand above it.",
        show_default="the first that is neither blank nor a comment",
        rich_help_panel=FILE_PANEL,
    ),
]
Decimal = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="What separates decimals: `point` or `comma`.",
        show_default="detected",
        rich_help_panel=FILE_PANEL,
    ),
]
Encoding = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Encoding of the text, such as `cp1252`.",
        show_default="UTF-8 or UTF-16, else a guess that is reported",
        rich_help_panel=FILE_PANEL,
    ),
]


def separator_of(text: str | None) -> str | None:
    """The character that `--separator` names."""
    if text is None:
        return None
    character = _SEPARATORS.get(text.lower(), text)
    if len(character) != 1 or character in '"\r\n\0' or character.isalnum():
        raise typer.BadParameter(f"{text!r} is no single character, nor tab or space", param_hint="--separator")
    return character


def decimal_of(text: str | None) -> str | None:
    """The character that `--decimal` names."""
    if text is not None and text.lower() not in _DECIMALS:
        raise typer.BadParameter(f"{text!r}: say point or comma", param_hint="--decimal")
    return None if text is None else _DECIMALS[text.lower()]


def time_format_of(text: str | None) -> str | None:
    """The name or pattern that `--time-format` gives, if it is one."""
    if text is None:
        return None
    if text.lower() in _TIME_FORMATS:
        return text.lower()
    try:
        datetime.strptime(datetime(2026, 10, 25, 12, tzinfo=UTC).strftime(text), text)
        if "%" not in text:
            raise ValueError(text)
    except (ValueError, re.error):
        raise typer.BadParameter(
            f"{text!r} is none of {', '.join(_TIME_FORMATS)}, nor a pattern such as '%d.%m.%y %H:%M'",
            param_hint="--time-format",
        ) from None
    return text


def time_zone_of(text: str | None) -> str | None:
    """The zone that `--time-zone` names, if there is one."""
    try:
        return None if text is None else ZoneInfo(text).key
    except (ValueError, OSError, KeyError):
        raise typer.BadParameter(
            f"{text!r} is no zone such as Europe/Berlin or UTC", param_hint="--time-zone"
        ) from None
