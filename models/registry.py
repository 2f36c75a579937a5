"""MLflow's model registry: versions of a model with their files and figures, under the aliases champion and challenger.

A SQLite file and local folders by default, a server by its address. Only commands use it; the stream reads what
`models.champion` publishes.
"""

import json
import logging
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.errors import TerminalError

CHAMPION, CHALLENGER = "champion", "challenger"
HISTORY_TAG, VERSION_TAG = "champion_history", "version"
MAX_HISTORY = 50


class NotRegistered(TerminalError):
    """Raised where the registry has no such model, version or alias. Terminal: until one is registered."""


@dataclass(frozen=True)
class Registered:
    """One version. `number`: the registry's; `version`: the contract's, which goes with every score."""

    number: str
    version: str
    aliases: tuple[str, ...]
    created_ms: int
    figures: dict[str, float]


@dataclass(frozen=True)
class ChampionPeriod:
    """A version became champion at this time (ms since the epoch)."""

    number: str
    since_ms: int


class Registry:
    """Of models by name.

    Parameters
    ----------
    home
        Folder of the SQLite file and of the models' files.
    address
        Of a tracking server; None: the SQLite file.
    """

    def __init__(self, home: Path, address: str | None = None) -> None:
        # Set before mlflow is imported: a training on one's own machine is nobody else's business.
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        from mlflow import MlflowClient

        for name in ("mlflow", "alembic"):  # behind the import, which sets them itself
            logging.getLogger(name).setLevel(logging.WARNING)
        self._files = None if address else home / "files"
        if self._files is not None:
            self._files.mkdir(parents=True, exist_ok=True)
        uri = address or f"sqlite:///{home / 'registry.sqlite'}"
        self._client = MlflowClient(tracking_uri=uri, registry_uri=uri)

    def register(self, name: str, folder: Path, version: str, figures: Mapping[str, float]) -> Registered:
        """A new version of the folder's files, as challenger."""
        run_id = self._run(name, folder, version, figures)
        self._require_model(name)
        source = self._client.get_run(run_id).info.artifact_uri
        made = self._client.create_model_version(name, source, run_id, tags={VERSION_TAG: version})
        self._client.set_registered_model_alias(name, CHALLENGER, str(made.version))
        return self.one(name, str(made.version))

    def versions(self, name: str) -> list[Registered]:
        """All, the newest first.

        Raises
        ------
        NotRegistered
            There is no model of that name.
        """
        model = self._model(name)
        found = self._client.search_model_versions(f"name = '{name}'")
        versions = [self._registered(each, model.aliases) for each in found]
        return sorted(versions, key=lambda each: int(each.number), reverse=True)

    def one(self, name: str, which: str) -> Registered:
        """By the registry's number, the contract's version or an alias.

        Raises
        ------
        NotRegistered
            There is none.
        """
        for each in self.versions(name):
            if which in (each.number, each.version, *each.aliases):
                return each
        raise NotRegistered(f"{name} has no version {which!r}. See them:  headrace model ls")

    def download(self, name: str, number: str) -> Path:
        """A local folder with the version's files."""
        run_id = self._client.get_model_version(name, number).run_id
        return Path(self._client.download_artifacts(run_id, ""))

    def set_champion(self, name: str, number: str) -> None:
        """Make the version champion, and write it into the history."""
        reigns = [*self.history(name), ChampionPeriod(number, time.time_ns() // 10**6)][-MAX_HISTORY:]
        self._client.set_registered_model_alias(name, CHAMPION, number)
        if str(self._model(name).aliases.get(CHALLENGER)) == number:
            self._client.delete_registered_model_alias(name, CHALLENGER)
        text = json.dumps([[each.number, each.since_ms] for each in reigns])
        self._client.set_registered_model_tag(name, HISTORY_TAG, text)

    def history(self, name: str) -> list[ChampionPeriod]:
        """Champions in the order of their time, the newest last."""
        return [ChampionPeriod(*each) for each in json.loads(self._model(name).tags.get(HISTORY_TAG, "[]"))]

    def champion_before(self, name: str) -> Registered:
        """The last champion that was another version than today's.

        Raises
        ------
        NotRegistered
            There was none.
        """
        numbers = [reign.number for reign in self.history(name)]
        others = [number for number in numbers if number != numbers[-1]]
        if not others:
            raise NotRegistered(f"{name} had no other champion before. See its versions:  headrace model ls")
        return self.one(name, others[-1])

    def _run(self, name: str, folder: Path, version: str, figures: Mapping[str, float]) -> str:
        run = self._client.create_run(self._experiment(name), run_name=version)
        for key, figure in figures.items():
            self._client.log_metric(run.info.run_id, key, figure)
        self._client.log_artifacts(run.info.run_id, str(folder))
        self._client.set_terminated(run.info.run_id)
        return str(run.info.run_id)

    def _experiment(self, name: str) -> str:
        found = self._client.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        location = None if self._files is None else (self._files / name).resolve().as_uri()
        return str(self._client.create_experiment(name, artifact_location=location))

    def _require_model(self, name: str) -> None:
        try:
            self._model(name)
        except NotRegistered:
            self._client.create_registered_model(name)

    def _model(self, name: str) -> Any:
        from mlflow.exceptions import MlflowException

        try:
            return self._client.get_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            raise NotRegistered(f"No {name} model is registered. Train one:  headrace {name} train DATA.csv") from None

    def _registered(self, found: Any, aliases: Mapping[str, str]) -> Registered:
        named = tuple(sorted(alias for alias, number in aliases.items() if str(number) == str(found.version)))
        figures = dict(self._client.get_run(found.run_id).data.metrics)
        version = found.tags.get(VERSION_TAG, "")
        return Registered(str(found.version), version, named, found.creation_timestamp, figures)
