"""Which declared sources clean_telemetry runs with: a copy in the stack's folder, written as they are handed to it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from connectors.atomic_write import atomic_write_text
from schemas.errors import TerminalError
from schemas.sources_file import read_sources
from stack.layout import Layout

_LOCAL = "file:"


class UnreadableAppliedSources(TerminalError):
    """Raised where the record of what was applied cannot be read. Terminal: it has to be removed."""


@dataclass(frozen=True)
class Applied:
    """What the cleaning job was handed.

    Parameters
    ----------
    text
        Of the file of sources; None for the default source, without a file.
    settings
        The job's other settings, as variables: they are fixed for its run, and for those from its savepoints.
    stopped_at
        The savepoint that an application has stopped the job with, and not started it from yet.
    """

    text: str | None
    settings: Mapping[str, str] = field(default_factory=dict)
    stopped_at: str | None = None


class AppliedSources:
    """The record of one stack."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def of_stack(cls, layout: Layout) -> "AppliedSources":
        """Beside the state of the stack's Flink."""
        return cls(layout.home / "flink" / "applied-sources.json")

    def read(self) -> Applied | None:
        """None: nothing was submitted from here yet. Raises UnreadableAppliedSources."""
        try:
            return Applied(**json.loads(self.path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError) as error:
            raise UnreadableAppliedSources(
                f"{self.path} does not say which sources were applied ({error}). Remove it, and stop and submit "
                "clean_telemetry: docs/how-to/sources.md"
            ) from None

    def submitted(self, applied: Applied) -> None:
        """The job was submitted with this, and starts from no savepoint any more."""
        self._write(replace(applied, stopped_at=None))

    def stopped(self, applied: Applied, savepoint: str) -> None:
        """The job with the applied sources was stopped, to be started again from this savepoint."""
        self._write(replace(applied, stopped_at=savepoint))

    def unfinished(self) -> str | None:
        """The savepoint of an application that did not end, as long as it is there. Raises UnreadableAppliedSources."""
        applied = self.read()
        savepoint = applied.stopped_at if applied else None
        if savepoint is None or (savepoint.startswith(_LOCAL) and not Path(savepoint.removeprefix(_LOCAL)).exists()):
            return None
        return savepoint

    def differs_from(self, file: Path) -> bool:
        """Whether the file has another text than what was applied. False too where nothing was.

        Raises
        ------
        schemas.sources_file.BadSources
            The file cannot be read.
        UnreadableAppliedSources
        """
        applied = self.read()
        return applied is not None and applied.text != read_sources(file)

    def _write(self, applied: Applied) -> None:
        atomic_write_text(self.path, json.dumps(asdict(applied), ensure_ascii=False) + "\n", mode=0o600)
