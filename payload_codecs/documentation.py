"""The reference page of payload formats, from the codecs' docstrings and test vectors.

`python -m headrace.documentation` writes it.
"""

import re
from collections.abc import Iterator
from importlib import import_module
from inspect import cleandoc
from typing import Any

import cbor2

from payload_codecs.codec import Ignored, Item, Rejection
from payload_codecs.example import Example
from payload_codecs.registry import CODECS, examples_of
from schemas.payload_format import Codec as Format

_INTRODUCTION = """\
What a source may name as its `codec` ([Connect devices](../how-to/connect_devices.md)). Each section says what becomes
of a payload, with examples that a test decodes. A *sample* is judged by the same rules whatever format it came in
([Contracts](contracts.md#what-a-device-sends)): its names, time, unit and value make it a reading or a dead letter. A
*rejection* is a dead letter with its [reason](reject_reasons.md) and bytes, and its siblings are not affected. In any
format a message holds at most 10,000 items.

A new format is a class with a line in `payload_codecs/registry.py`. Its test vectors make its section here, and
`tests/unit/payload_codecs/test_every_codec.py` checks it.
"""


def payload_formats() -> str:
    """Every format with its rules and examples."""
    sections = (line for codec in CODECS for line in _section(codec))
    return "\n".join(["# Payload formats\n", _INTRODUCTION, *sections])


def _section(codec: Format) -> Iterator[str]:
    module_name, name = CODECS[codec]
    module = import_module(module_name)
    yield f"## `{codec}`\n"
    yield f"{_prose(module.__doc__)}\n"
    own = getattr(module, name)
    for described in (*reversed(own.__mro__[1:-1]), own):
        if described.__module__ == module_name:
            yield f"{_prose(described.__doc__)}\n"
    for example in examples_of(codec):
        yield from _example(example)


def _prose(docstring: str | None) -> str:
    """A docstring without its sections of NumPy's form."""
    return re.split(r"\n\n\w+\n-{3,}\n", cleandoc(docstring or ""))[0].strip()


def _example(example: Example) -> Iterator[str]:
    yield f"{example.shows}\n"
    yield f'```toml\n[[source]]\nname = "example"\n{example.table}\n```\n'
    headers = ", ".join(f"`{name}: {value.decode()}`" for name, value in example.headers.items())
    yield f"On `{example.topic}`{', with the headers ' * bool(headers)}{headers}:\n"
    yield f"{_payload(example)}\n"
    yield "| metric | value | unit | time | device |\n| --- | --- | --- | --- | --- |"
    yield "".join(f"{_row(item)}\n" for item in example.items)


def _payload(example: Example) -> str:
    if example.source.codec is Format.SENML_CBOR:
        return f"```text\n{example.payload.hex(' ', 4)}\n```\n\n(`{cbor2.loads(example.payload)}`)\n"
    if not example.payload:
        return "no bytes\n"
    if example.source.codec is Format.SPARKPLUG_B:
        return f"```text\n{example.payload.hex(' ', 4)}\n```\n"
    return f"```text\n{example.payload.decode().rstrip()}\n```\n"


def _row(item: Item) -> str:
    if isinstance(item, Ignored):
        return f"| ignored: `{item.reason}` | {_cell(item.detail)} | | | |"
    if isinstance(item, Rejection):
        return f"| rejected: `{item.reason}` | {_cell(item.detail)} | | | |"
    cells = (item.metric, item.value, item.unit, item.time or "of arrival", item.device or "of the topic")
    return f"| {' | '.join(map(_cell, cells))} |"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return str(value).replace("\\", "\\\\").replace("|", "\\|").replace("\n", "\\n")
