"""Where a stack keeps its models: the registry, and the champions' folders that the stream reads."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from headrace.model_store.publishing import publish
from models.champion import Champion, NoChampion, champion
from models.churn.onnx_model import ChurnModel
from models.recommend.onnx_model import RecommendModel
from models.registry import Registered, Registry
from schemas.setting import stated_default
from stack.layout import Layout

CHURN, RECOMMEND = "churn", "recommend"
VERSION_OF: dict[str, Callable[[Path], str]] = {
    CHURN: lambda folder: ChurnModel.load(folder).contract.version,
    RECOMMEND: lambda folder: RecommendModel.load(folder).contract.version,
}
"""Of a folder; it raises where the folder holds no such model."""


class RegistrySettings(BaseSettings):
    """Where versions of models are registered."""

    READ_BY: ClassVar[str] = "`headrace churn`, `headrace recommend` and `headrace model`"
    model_config = SettingsConfigDict(env_prefix="HEADRACE_", frozen=True)
    model_registry: str | None = Field(
        None,
        description="Address of an MLflow tracking server.",
        json_schema_extra=stated_default("a SQLite file in the stack's folder models"),
    )


@dataclass(frozen=True)
class ModelStore:
    """Of the models of one name. `root`: the folder that holds the champion."""

    models: Path
    name: str = CHURN

    @classmethod
    def of(cls, layout: Layout, name: str = CHURN) -> "ModelStore":
        return cls(layout.home / "models", name)

    @property
    def root(self) -> Path:
        return self.models / self.name

    @cached_property
    def registry(self) -> Registry:
        self.models.mkdir(parents=True, exist_ok=True)
        return Registry(self.models / "registry", RegistrySettings().model_registry)

    def promote(self, which: str) -> Champion:
        """Make a version champion, for the stream first: a registry that says so alone would say what is not true.

        Raises
        ------
        NotRegistered, RefusedModel, RefusedRecommender
            There is no such version, or its files are no model.
        """
        return self._set_champion(self.registry.one(self.name, which))

    def roll_back(self) -> Champion:
        """Make the champion before this one champion again."""
        return self._set_champion(self.registry.champion_before(self.name))

    def champion_folder(self) -> Path:
        """The champion's folder.

        Raises
        ------
        NoChampion
            There is no champion.
        """
        found = champion(self.root)
        if found is None:
            raise NoChampion(f"There is no champion. Train one:  headrace {self.name} train DATA.csv --promote")
        return self.root / found.folder

    def _set_champion(self, found: Registered) -> Champion:
        folder = self.registry.download(self.name, found.number)
        version = VERSION_OF[self.name](folder)
        self.root.mkdir(parents=True, exist_ok=True)
        published = publish(self.root, folder, version)
        self.registry.set_champion(self.name, found.number)
        return published
