"""Refuses to build a wheel: Headrace runs from its repository (docs/adr/0001)."""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class NoWheel(BuildHookInterface):
    """Lets the editable install pass, which `uv sync` makes, and stops every other build."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called before a wheel of a version, `standard` or `editable`, is built."""
        if version != "editable":
            raise RuntimeError(
                "Headrace is not distributed as a wheel: it needs flink-conf/, deploy/ and flink/java of its clone, "
                "and the numpy override of its lock. Clone the repository, and run `uv sync --frozen` in it."
            )
