"""The commands of `headrace` as Click sees them, and the mentions of commands in a text."""

import ast
import re
import tokenize
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import typer

from headrace.cli.main import app

ROOT: Any = typer.main.get_command(app)
MENTION = re.compile(r"(?<![\w/.@~-])(?<!PUBLICATION )headrace(?! = )((?:[ ]+[^\s|;&#()\"'`,<>$]+)+)")
"""`headrace` and the words after it, up to what ends a command in a shell, in prose or in a table."""
ANYTHING = "\0"
"""Stands where an f-string puts a value."""
NOT_COMMANDS = ("headrace pseudonym key",)
"""The first line of the file of keys."""


def walk(command: Any = ROOT, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every group and command, with the words that call it."""
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from walk(child, (*path, name))


def options_of(command: Any) -> list[Any]:
    return [each for each in command.params if each.param_type_name == "option"]


def fault(words: list[str], command: Any = ROOT) -> str | None:
    """Why the words after `headrace` call nothing that there is; None if they do."""
    for number, word in enumerate(words):
        children = getattr(command, "commands", None)
        if children is None:
            return _unknown_option(words[number:], command)
        if word.startswith("-") and command is ROOT:
            continue
        if word == ANYTHING:
            rest = words[number + 1 :]
            nouns = [child for child in children.values() if hasattr(child, "commands")]
            return None if not rest or None in [fault(rest, noun) for noun in nouns] else f"no noun has a {rest[0]!r}"
        if word not in children:
            return f"no command {word!r}"
        command = children[word]
    return None


def _unknown_option(words: list[str], command: Any) -> str | None:
    known = {name for each in options_of(command) for name in (*each.opts, *each.secondary_opts)} | {"--help"}
    if "--" in words:
        words = words[: words.index("--")]
    named = (word.strip("[].:") for word in words)
    unknown = [word for word in named if re.match(r"--?[a-z]", word) and word.partition("=")[0] not in known]
    return f"no option {unknown[0]}" if unknown else None


def mentions(text: str) -> Iterator[list[str]]:
    """The words after each `headrace` that begins a command in the text."""
    for found in MENTION.finditer(text):
        words = [word.strip("[].:") for word in found[1].split()]
        if words[0] and not found[0].startswith(NOT_COMMANDS):
            yield words


def texts_of(path: Path) -> Iterator[str]:
    """The parts of a file in which `headrace` is the program, and not the project or a user's name."""
    if path.suffix == ".py":
        yield from _texts_of_python(path)
        return
    text = path.read_text()
    yield from re.findall(r"^```sh$.*?^```$", text, re.S | re.M)
    yield from re.findall(r"`[^`\n]+`", re.sub(r"^```.*?^```$", "", text, flags=re.S | re.M))
    if path.suffix != ".md":
        yield from (f"headrace {called}" for called in re.findall(r"(?:\$\(RUN\)/|-m )headrace (.*)", text))


def _texts_of_python(path: Path) -> Iterator[str]:
    """Comments, string constants, f-strings with ANYTHING for their values, and lists of words as one line."""
    text = path.read_text()
    if re.search(r"#.*headrace ", text):  # to cut a file into tokens costs ten times what a search does
        tokens = tokenize.generate_tokens(StringIO(text).readline)
        yield from (each.string for each in tokens if each.type == tokenize.COMMENT)
    if not re.search(r"""headrace[ "']""", text):
        return
    tree = ast.parse(text)
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = (part.value if isinstance(part, ast.Constant) else ANYTHING for part in node.values)
            yield "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            yield node.value
        elif isinstance(node, ast.List | ast.Tuple):
            yield _as_line(node)


def _as_line(words: ast.List | ast.Tuple) -> str:
    """`["-m", "headrace", "up"]` as `headrace up`: up to the first that is no constant."""
    line: list[str] = []
    for each in words.elts:
        if not isinstance(each, ast.Constant) or not isinstance(each.value, str):
            break
        line.append(each.value)
    return " ".join(line[line.index("-m") + 1 :]) if "-m" in line else ""
