"""The two kinds of command groups: that of the program itself, and those of a noun such as `headrace dlq`."""

from typing import TYPE_CHECKING, Any, Final

import typer
from rich.console import Console
from rich.markup import escape
from typer.core import TyperGroup

from schemas.errors import HeadraceError, TransientError

if TYPE_CHECKING:
    from pydantic import ValidationError

MARKUP: Final = "markdown"
"""Of help texts: `code` in backticks, and square brackets as they stand."""


def noun(text: str, **options: Any) -> typer.Typer:
    """A group of verbs, which shows its help when no verb is given."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=MARKUP, help=text, **options)
    # With a callback a group of a single verb stays a group.
    group.callback()(lambda: None)
    return group


class Program(TyperGroup):
    """Prints a HeadraceError, a wrong setting, or what the system says of a file; exits with 1. All else is a bug.

    Help is drawn in panels. A usage error is a plain line, so that the command which it suggests can be copied.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._markup_of_help = self.rich_markup_mode
        self.rich_markup_mode = None

    def format_help(self, ctx: Any, formatter: Any) -> None:
        self.rich_markup_mode = self._markup_of_help
        super().format_help(ctx, formatter)

    def invoke(self, ctx: Any) -> Any:
        from pydantic import ValidationError

        from connectors import logging_setup

        try:
            logging_setup.configure("WARNING")
            return super().invoke(ctx)
        except HeadraceError as error:
            _print_error(_with_next_step(error))
        except OSError as error:
            if error.filename is None:
                raise
            _print_error(f"{error.filename}: {error.strerror}. Check that it is there, and that you may use it")
        except ValidationError as error:
            if (text := _of_settings(error)) is None:
                raise
            _print_error(text)
        raise typer.Exit(1)


def _of_settings(error: "ValidationError") -> str | None:
    """Which variables cannot be used, and why; None for an error about anything but settings."""
    from pydantic_settings import BaseSettings

    prefixes = {each.__name__: each.model_config.get("env_prefix", "") for each in BaseSettings.__subclasses__()}
    if error.title not in prefixes:
        return None
    faults = (
        f"{prefixes[error.title]}{'_'.join(map(str, each['loc']))}".upper() + f": {each['msg']}"
        for each in error.errors()
    )
    return f"{'; '.join(faults)}. The settings are in docs/reference/settings.md"


def _with_next_step(error: HeadraceError) -> str:
    text = str(error) or type(error).__name__
    if isinstance(error, TransientError) and "headrace " not in text:
        return f"{text.rstrip('.')}. {error.next_step}"
    return text


def _print_error(text: str) -> None:
    Console(stderr=True, soft_wrap=True).print(f"[red]✘[/] {escape(text)}", highlight=False)
