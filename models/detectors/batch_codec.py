"""A batch as bytes: an entry of the journal that is replayed after a restart."""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from models.detectors.scorer import Batch
from models.detectors.series_index import SeriesIndex
from models.state_codec import Migrations, State, decode, encode

VERSION = 2


def _with_a_name_each(state: State) -> State:
    """Version 1 wrote the names of its series once for each reading."""
    return replace(state, arrays={**state.arrays, "series": np.arange(len(state.values["devices"]))})


MIGRATIONS: Migrations = {1: _with_a_name_each}


def encode_batch(batch: Batch) -> bytes:
    """The bytes of a batch; `decode_batch` gives an equal one.

    Examples
    --------
    >>> batch = Batch([("pump-1", "flow")], [1000], [0.5], [0], [7], [0])
    >>> decode_batch(encode_batch(batch)).keys, decode_batch(encode_batch(batch)).offsets
    ([('pump-1', 'flow')], array([7]))
    """
    series = SeriesIndex()
    columns: dict[str, npt.NDArray[Any]] = {
        "series": series.rows(batch.keys).astype(np.int32),
        "event_times": batch.event_times,
        "values": batch.values,
        "partitions": batch.partitions,
        "offsets": batch.offsets,
        "items": batch.items,
    }
    devices, metrics = zip(*series, strict=True) if series else ((), ())
    return encode(State("batch", VERSION, {"devices": devices, "metrics": metrics}, columns))


def decode_batch(encoded: bytes) -> Batch:
    """The batch in `encoded`; raises UnreadableState for anything else."""
    state = decode(encoded, "batch", VERSION, MIGRATIONS)
    names = list(zip(state.values["devices"], state.values["metrics"], strict=True))
    columns = dict(state.arrays)
    return Batch([names[row] for row in columns.pop("series").tolist()], **columns)
