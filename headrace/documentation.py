"""The reference pages of the command line, the settings and the payload formats.

`python -m headrace.documentation` writes them. schemas/documentation.py writes the pages of what is defined there;
these need what stands above it.
"""

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from inspect import cleandoc, getmembers, isclass
from pathlib import Path
from typing import Any

from pydantic_settings import BaseSettings

from headrace.cli.main import app
from schemas.setting import STATED_DEFAULT

REPOSITORY = Path(__file__).resolve().parents[1]
REFERENCE = REPOSITORY / "docs" / "reference"
MADE_BY = "<!-- Made by `python -m headrace.documentation` from {source}. Do not edit. -->\n"
PACKAGES = (
    "connectors", "drills", "examples", "flink", "headrace", "jobs", "models", "schemas", "serving", "stack",
)  # fmt: skip
BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}


# What the environment says without a settings object: the servers' programs, and what is needed before there are any.
def _other_variables() -> Iterator[tuple[str, ...]]:
    from headrace.submission import WORKER_PYTHON
    from stack.flink_distribution import METRICS_SWITCH, PROPERTIES
    from stack.programs import DEBIAN_PACKAGES, OPTIONAL_PACKAGES, variable

    for program in sorted(DEBIAN_PACKAGES | OPTIONAL_PACKAGES):
        yield f"`{variable(program)}`", f"the first `{program}` on PATH", f"Path of the program `{program}`."
    yield (
        "`HEADRACE_INFLUXD`",
        "`influxd` on PATH, else the one that is built",
        "Path of InfluxDB's server, 2.7 or newer.",
    )
    yield "`JAVA_HOME`", "none", "Java 17 or 21. It comes before PATH, and after `HEADRACE_JAVA` and `HEADRACE_JAVAC`."
    yield "`HEADRACE_CACHE`", "`~/.cache/headrace`", "Folder for the downloaded jars and the programs that are built."
    worker = "With `headrace submit --target`: path, on the cluster, of the Python that runs the jobs' workers."
    yield f"`{WORKER_PYTHON}`", "path of the Python that submits", worker
    given = "Flink's settings for the local stack and the image, one `key: value` a line, as in Flink's official image."
    yield f"`{PROPERTIES}`", "none", given
    yield f"`{METRICS_SWITCH}`", "off", "`1` turns on Flink's Prometheus reporter, which listens on all interfaces."


def settings() -> str:
    """Every environment variable that a process reads."""
    introduction = (
        "Processes read their settings from environment variables. Each section says which process reads them. A\n"
        "value outside of its bounds stops that process with a message that names the variable.\n"
    )
    others = (
        "## Programs and folders\n\nRead by: the command line and the local stack. A program that is named by its\n"
        "variable is used instead of the one that would be found.\n"
    )
    table = _table(("variable", "default", "meaning"), _other_variables())
    return _page("Settings", "the settings classes", [introduction, *map(_section, setting_classes()), others, table])


def setting_classes() -> list[type[BaseSettings]]:
    """All classes of settings, by the prefix of their variables and their name."""
    found = {each for module in _modules_with_settings() for each in _defined_in(module)}
    return sorted(found, key=lambda each: (each.model_config["env_prefix"], each.__name__))


def command_line() -> str:
    """Every command with its arguments and options."""
    import typer

    introduction = (
        "The option `--help` of each command shows the same. Errors go to standard error. Exit status: 0 success, 1\n"
        "failure, 2 a wrong command, argument or option. A command that has others says so.\n"
    )
    root = typer.main.get_command(app)
    return _page("Command line", "headrace/cli/", [introduction, *_commands(root, ("headrace",))])


def payload_formats() -> str:
    """Every payload format with its examples."""
    from payload_codecs.documentation import payload_formats as page

    return f"{MADE_BY.format(source='payload_codecs/')}\n{page()}"


PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings,
    "cli.md": command_line,
    "payload_formats.md": payload_formats,
}


def stale(folder: Path = REFERENCE) -> list[str]:
    """Names of the pages that are not what the code says."""
    return [name for name, page in PAGES.items() if not _holds(folder / name, page())]


def main(folder: Path = REFERENCE) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in stale(folder):
        (folder / name).write_text(PAGES[name]())
        print(f"wrote {folder / name}", file=sys.stderr)


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text() == text


def _modules_with_settings() -> Iterator[Any]:
    for package in PACKAGES:
        for path in sorted((REPOSITORY / package).rglob("*.py")):
            if re.search(r"^class \w+\(.*\bBaseSettings\b.*\):", path.read_text(), re.M):
                yield import_module(".".join(path.relative_to(REPOSITORY).with_suffix("").parts))


def _defined_in(module: Any) -> Iterator[type[BaseSettings]]:
    for _, each in getmembers(module, isclass):
        if issubclass(each, BaseSettings) and each.__module__ == module.__name__:
            yield each


def _section(of: type[BaseSettings]) -> str:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", of.__name__).capitalize()
    schema = of.model_json_schema()["properties"]
    prefix = of.model_config["env_prefix"]
    rows = (_setting(f"{prefix}{name}".upper(), schema[name]) for name in of.model_fields)
    meaning = cleandoc(of.__doc__ or "").partition("\n\n")[0]
    table = _table(("variable", "type", "default", "constraint", "meaning"), rows)
    return f"## {words}\n\n{meaning}\n\nRead by: {of.READ_BY}.\n\n{table}"  # type: ignore[attr-defined]


def _setting(variable: str, schema: dict[str, Any]) -> tuple[str, ...]:
    value = next((each for each in schema.get("anyOf", ()) if each.get("type") != "null"), schema)
    return (f"`{variable}`", _type(value), _default(schema), _constraint(value), _cell(schema.get("description", "")))


def _type(schema: dict[str, Any]) -> str:
    kinds = {"password": "secret text", "path": "path"}
    return kinds.get(schema.get("format", "")) or {"string": "text"}.get(schema["type"], schema["type"])


def _default(schema: dict[str, Any]) -> str:
    if STATED_DEFAULT in schema:
        return _cell(schema[STATED_DEFAULT])
    if "default" not in schema:
        return "required"
    return "none" if schema["default"] is None else f"`{schema['default']}`"


def _constraint(schema: dict[str, Any]) -> str:
    bounds = [f"{sign} {schema[key]}" for key, sign in BOUNDS.items() if key in schema]
    if "minLength" in schema:
        bounds.append(f"{schema['minLength']} characters or more")
    if "pattern" in schema:
        bounds.append(f"matches `{_cell(schema['pattern'])}`")
    return ", ".join(bounds)


def _commands(command: Any, path: tuple[str, ...]) -> Iterator[str]:
    """The command itself, then those below it."""
    level = "##" if len(path) < 3 else "###"
    yield f"{level} `{' '.join(path)}`\n\n{_help(command)}\n\n{_usage(command, path)}\n{_parameters(command)}"
    for name, child in getattr(command, "commands", {}).items():
        if not child.hidden:
            yield from _commands(child, (*path, name))


def _help(command: Any) -> str:
    return cleandoc(command.help or "")


def _usage(command: Any, path: tuple[str, ...]) -> str:
    given = [_argument(each) for each in command.params if each.param_type_name == "argument"]
    verb = ["COMMAND"] if hasattr(command, "commands") else []
    return f"```text\n{' '.join([*path, '[OPTIONS]', *given, *verb])}\n```\n"


def _argument(argument: Any) -> str:
    name = f"{_metavar(argument)}{'...' * (argument.nargs == -1)}"
    return name if argument.required else f"[{name}]"


def _parameters(command: Any) -> str:
    shown = [each for each in command.params if not each.hidden]
    arguments = ((f"`{_metavar(each)}`", *_meaning(each)) for each in shown if each.param_type_name == "argument")
    options = ((_names(each), *_meaning(each)) for each in shown if each.param_type_name == "option")
    heads = ("argument", "default", "meaning"), ("option", "default", "meaning")
    tables = [_table(head, rows) for head, rows in zip(heads, map(list, (arguments, options)), strict=True) if rows]
    return "\n".join(tables)


def _names(option: Any) -> str:
    value = "" if option.is_flag else f" {_metavar(option)}"
    return ", ".join(f"`{name}{value}`" for name in (*option.opts, *option.secondary_opts))


def _metavar(parameter: Any) -> str:
    return str(parameter.metavar or parameter.name.upper())


def _meaning(parameter: Any) -> tuple[str, str]:
    """The default, and the help with the range of numbers."""
    low, high = getattr(parameter, "min", None), getattr(parameter, "max", None)
    limits = [f"{word} {_number(bound)}" for word, bound in (("at least", low), ("at most", high)) if bound is not None]
    range_ = f" Value: {', '.join(limits)}." if limits else ""
    return _default_of(parameter), f"{_cell(parameter.help or '')}{range_}"


def _default_of(parameter: Any) -> str:
    if parameter.required:
        return "required"
    if isinstance(parameter.show_default, str):
        return _cell(parameter.show_default)
    if parameter.default is None or parameter.default is False or getattr(parameter, "is_flag", False):
        return "off" if getattr(parameter, "is_flag", False) else "none"
    return f"`{_number(parameter.default)}`"


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _page(title: str, source: str, parts: Iterable[str]) -> str:
    return "\n".join([MADE_BY.format(source=source), f"# {title}\n", *parts])


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    main()
