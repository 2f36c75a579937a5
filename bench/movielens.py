"""MovieLens-100K, out of the wheel of recbole: fetched once through pip, and only the two files are used.

recbole itself would bring a deep learning framework; so it is not installed, not even for development.
"""

import subprocess
import sys
import venv
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZipFile

import numpy as np
import pandas as pd

from models.recommend.interactions import Interactions

WHEEL = "recbole==1.2.1"
INSIDE = "recbole/dataset_example/ml-100k/ml-100k"
KEPT = Path(".headrace/bench")


def movielens() -> tuple[Interactions, list[frozenset[str]]]:
    """All 100,000 ratings, each taken for an interaction, and the words of each film: genres and decade."""
    wheel = next(KEPT.glob("recbole-*.whl"), None) or _fetched()
    with ZipFile(wheel) as inside:
        ratings = _table(inside.read(f"{INSIDE}.inter"))
        films = _table(inside.read(f"{INSIDE}.item")).set_index("item_id")
    events = Interactions.of(ratings["user_id"], ratings["item_id"], ratings["timestamp"].to_numpy(np.float64))
    words = [_words(films.loc[name]) for name in events.item_names]
    return events, words


def _fetched() -> Path:
    """Through a pip of its own: the project's environment has none."""
    KEPT.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        download = ["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--dest", str(KEPT)]
        subprocess.run([str(Path(folder) / "bin" / "python"), *download, WHEEL], check=True, stdout=sys.stderr)
    return next(KEPT.glob("recbole-*.whl"))


def _table(content: bytes) -> pd.DataFrame:
    """Columns are named `user_id:token`: the name and a type."""
    table = pd.read_csv(BytesIO(content), sep="\t", dtype=str, keep_default_na=False)
    return table.rename(columns=lambda column: column.split(":")[0])


def _words(film: pd.Series) -> frozenset[str]:
    genres = [f"genre:{genre.lower()}" for genre in film["class"].split()]
    return frozenset([*genres, f"decade:{film['release_year'][:3]}0"])
