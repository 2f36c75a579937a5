"""sources.toml: reads it, and reports each mistake with its line and what to write instead."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from schemas.errors import TerminalError
from schemas.filter_index import FilterIndex
from schemas.presets import PRESETS, preset_fields
from schemas.source import DEFAULT_SOURCE, Source
from schemas.sources import Sources
from schemas.toml_lines import TomlLines, existing
from schemas.topic_pattern import TopicPattern

SOURCES_FILE = "sources.toml"
"""Its name in the stack's folder."""

TABLE = "source"
_TERMS = {
    "a valid tuple": "a text or a list of texts",
    "a valid dictionary": "a table, such as {name = value}",
    "a valid boolean": "true or false",
    "a valid string": "a text in quotes",
    "a valid number": "a number",
}
"""What pydantic calls the types, and what TOML does."""

_AT_LINE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)")


class BadSources(TerminalError, ValueError):
    """Raised where sources.toml has mistakes; the message has one a line, with its place and what to write instead.

    Terminal: the file has to be changed.
    """


class Mistake(NamedTuple):
    """One mistake, and the path in the file that it is about."""

    path: tuple[str | int, ...]
    message: str


def load_sources(path: Path) -> Sources:
    """The sources of a file; where there is none, the default source.

    Raises
    ------
    BadSources
        With every mistake and its line, or because the file cannot be read.
    """
    return parse_sources(read_sources(path), str(path))


def read_sources(path: Path) -> str | None:
    """The text of the file, which `parse_sources` reads; None where there is none. Raises BadSources."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise BadSources(f"{path}:{line}: not UTF-8, which TOML is: save the file as UTF-8") from None
    except OSError as error:
        raise BadSources(f"{path} cannot be read: {error.strerror}") from None


def parse_sources(text: str | None, file: str = SOURCES_FILE) -> Sources:
    """The sources that a TOML text declares, in its order. None, of a file that is not there: the default source.

    Parameters
    ----------
    text
        The text itself, not the path of a file: it may have travelled, to a job for example.
    file
        How messages name the file.

    Raises
    ------
    BadSources
        With every mistake and its line.
    """
    if text is None:
        return Sources([DEFAULT_SOURCE])
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadSources(_syntax_error(text, file, str(error))) from None
    except RecursionError:
        raise BadSources(f"{file}: arrays or tables are nested too deeply to be read") from None
    sources: list[Source] = []
    mistakes = list(_mistakes(document, sources))
    if mistakes:
        lines = TomlLines(text)
        placed = sorted((lines.line_of(mistake.path), mistake.message) for mistake in mistakes)
        raise BadSources("\n".join(f"{file}:{line}: {message}" for line, message in dict.fromkeys(placed)))
    return Sources(sources)


def _syntax_error(text: str, file: str, message: str) -> str:
    at = _AT_LINE.search(message)
    line = at[1] if at and at[1] else text.rstrip("\n").count("\n") + 1
    return (
        f"{file}:{line}: no TOML: {_AT_LINE.sub('', message)}. Text stands in quotes, a table begins with [[{TABLE}]]"
    )


def _mistakes(document: Mapping[str, Any], sources: list[Source]) -> Iterator[Mistake]:
    """What is wrong, with the sources that are right appended to `sources`."""
    for name in document:
        if name != TABLE:
            yield Mistake((name,), f"unknown {name!r}: each source is a table [[{TABLE}]] with its fields below it")
    tables = document.get(TABLE, [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        yield Mistake((TABLE,), f"a source is a table of its own: write [[{TABLE}]], with two brackets")
        return
    if not tables:
        yield Mistake((), f"no source is declared: add a table [[{TABLE}]], or remove the file to read the default")
    numbered: list[tuple[int, Source]] = []
    for number, table in enumerate(tables):
        preset = table.get("preset")
        if preset is not None and preset not in PRESETS:
            yield Mistake((TABLE, number, "preset"), f"unknown preset {preset!r}: {_near(str(preset), PRESETS)}")
            continue
        try:
            numbered.append((number, _source(table)))
        except ValidationError as error:
            yield from _faults(error, table, (TABLE, number))
    yield from _same_names(numbered)
    yield from _covered_filters(numbered)
    sources.extend(source for _, source in numbered)


def _source(table: Mapping[str, Any]) -> Source:
    """A source of its table and its preset's: tables in it are merged, any other field replaces the preset's."""
    preset = preset_fields(table.get("preset"))
    merged = {name: {**preset[name], **value} for name, value in table.items() if _are_tables(value, preset.get(name))}
    return Source(**{**preset, **table, **merged})


def _are_tables(*values: Any) -> bool:
    return all(isinstance(value, dict) for value in values)


def _faults(error: ValidationError, table: Mapping[str, Any], place: tuple[str | int, ...]) -> Iterator[Mistake]:
    for each in error.errors():
        if each["type"] == "contradiction":
            field = each["ctx"]["field"]
            yield Mistake((*place, field), f"`{field}`: {each['ctx']['message']}")
        elif each["type"] != "default_factory_not_called" and not _of_other_branch(each):
            path = _path(table, each["loc"])
            yield Mistake((*place, *path), _fault(each, path))


def _of_other_branch(error: ErrorDetails) -> bool:
    """Of a field that may be a text or a table: what is wrong if it were the other one."""
    return (error["type"], type(error["input"])) in {("dict_type", str), ("string_type", dict), ("dict_type", int)}


def _path(table: Mapping[str, Any], location: Sequence[str | int]) -> tuple[str | int, ...]:
    """Where in a table a fault is: pydantic's location without the names of its own types."""
    path: tuple[str | int, ...] = ()
    for step in location:
        path = existing(table, (*path, step))
    return path


def _fault(error: ErrorDetails, path: Sequence[str | int]) -> str:
    field = str(error["loc"][0])
    if error["type"] == "extra_forbidden":
        return f"unknown field `{field}`: {_near(field, list(Source.model_fields))}"
    description = Source.model_fields[field].description
    if error["type"] == "missing":
        return f"`{field}` is missing: {description}"
    where = ".".join(map(str, path)) or field
    message = error["msg"].removeprefix("Value error, ").replace("Input should be", "it has to be")
    for pydantic_term, ours in _TERMS.items():
        message = message.replace(pydantic_term, ours)
    return f"{where} = {_shown(error['input'])}: {message} (`{field}`: {description})"


def _near(word: str, known: Sequence[str]) -> str:
    near = get_close_matches(word, known, n=1)
    return f"did you mean `{near[0]}`?" if near else f"there are {', '.join(known)}"


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)[:100]


def _same_names(numbered: Sequence[tuple[int, Source]]) -> Iterator[Mistake]:
    seen: set[str] = set()
    for number, source in numbered:
        if source.name in seen:
            yield Mistake((TABLE, number, "name"), f"a source before is named {source.name!r} too: rename one of them")
        seen.add(source.name)


def _covered_filters(numbered: Sequence[tuple[int, Source]]) -> Iterator[Mistake]:
    """Filters that no message reaches. A source that passes topics over leaves them to those behind it."""
    earlier = FilterIndex()
    owners: dict[TopicPattern, str] = {}
    for number, source in numbered:
        for pattern in source.patterns:
            if (covering := earlier.first_covering(pattern)) is not None:
                yield Mistake(
                    (TABLE, number, "topic"),
                    f"{pattern.pattern!r} of {source.name!r} gets no message: {covering.pattern!r} of "
                    f"{owners[covering]!r} stands before it and has all of them. Put the narrower filter first",
                )
            if not source.ignore:
                earlier.add(pattern)
                owners[pattern] = source.name
