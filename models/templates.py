"""Jinja2 templates that lie beside the module which fills them."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, select_autoescape

_SUFFIX = ".j2"


def template(module_file: str, name: str) -> Template:
    """The template `name` (`page.html.j2`) in the folder of a module, given as its `__file__`.

    What an HTML template is given is escaped; Markdown is not, and has the filter `code` for names. A variable that was
    not given is an error and not an empty text.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(module_file).parent),
        autoescape=select_autoescape([f"html{_SUFFIX}"], default_for_string=True, default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["code"] = code_span
    return environment.get_template(name)


def code_span(text: str) -> str:
    """A Markdown code span of any text, on one line. Source: https://spec.commonmark.org/0.31.2/#code-spans.

    >>> code_span("months"), code_span("a`b"), code_span("two" + chr(10) + "lines")
    ('`months`', '`` a`b ``', '`two lines`')
    """
    line = " ".join(text.split())
    fence = "`"
    while fence in line:
        fence += "`"
    return f"{fence} {line} {fence}" if "`" in line else f"{fence}{line}{fence}"
