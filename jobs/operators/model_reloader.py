"""The champion's model, and the next one once it is promoted: looked for every second, while a job runs."""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from models.champion import Champion, UnreadablePointer, champion

LOOKS_EVERY_S = 1.0

log = logging.getLogger(__name__)

Model = TypeVar("Model")


class ModelReloader(Generic[Model]):
    """A version that cannot be used is said in the log once, and the old one stays.

    Parameters
    ----------
    root
        The folder with the pointer (`models.champion`).
    load
        Makes a model of a version's folder; raises `refused` where it cannot.
    """

    def __init__(
        self, root: Path, load: Callable[[Path], Model], refused: type[Exception],
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._root, self._load, self._refused, self._now_s = root, load, refused, now_s
        self._model: Model | None = None
        self._folder = ""
        self._last_error = ""
        self._looked_at_s = -LOOKS_EVERY_S + now_s()

    def get(self) -> Model | None:
        """The model as of the last look; None before there is one that can be used."""
        if self._now_s() - self._looked_at_s >= LOOKS_EVERY_S:
            self._looked_at_s = self._now_s()
            self._look()
        return self._model

    def take(self, found: Champion) -> None:
        """Go over to a version. Raises `refused`, and the old one stays."""
        self._model, self._folder = self._load(self._root / found.folder), found.folder
        self._looked_at_s = self._now_s()

    def _look(self) -> None:
        try:
            found = champion(self._root)
            if found is None or found.folder == self._folder:
                return
            self.take(found)
            log.info("going on with %s", found.version)
        except (UnreadablePointer, self._refused) as error:
            if str(error) != self._last_error:
                self._last_error = str(error)
                log.error("going on with %s: %s", self._folder or "no model", error)
