"""Entries of the journal that is replayed after a restart, as bytes: batches, and series that became missing."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from models.detectors.batch import Batch
from models.detectors.growable_arrays import Array
from models.detectors.series_index import SeriesKey, distinct, series_key, series_name
from models.state_codec import Migrations, State, decode, encode, kind_of

VERSION = 3

MISSING, MISSING_VERSION = "missing", 1


def _with_a_name_each(state: State) -> State:
    """Version 1 wrote the names of its series once for each reading."""
    return replace(state, arrays={**state.arrays, "series": np.arange(len(state.values["devices"]))})


def _with_names_as_json(state: State) -> State:
    """Version 2 wrote the names into its header."""
    names = map(series_name, zip(state.values["devices"], state.values["metrics"], strict=True))
    return replace(state, values={}, arrays={**state.arrays, **_names(list(names))})


MIGRATIONS: Migrations = {1: _with_a_name_each, 2: _with_names_as_json}


def encode_batch(batch: Batch) -> bytes:
    """The bytes of a batch; `decode_batch` gives an equal one.

    Examples
    --------
    >>> batch = Batch([("pump-1", "flow")], [1000], [0.5], [0], [7], [0])
    >>> decode_batch(encode_batch(batch)).keys, decode_batch(encode_batch(batch)).offsets
    ([('pump-1', 'flow')], array([7]))
    """
    keys, which = distinct(batch.keys)
    columns: dict[str, Array] = {
        "series": which.astype(np.int32),
        "event_times": batch.event_times,
        "values": batch.values,
        "partitions": batch.partitions.astype(np.int32),
        "offsets": batch.offsets,
        "items": batch.items.astype(np.int32),
    }
    return encode(State("batch", VERSION, {}, _names(list(map(series_name, keys))) | columns), compressed=False)


def decode_batch(encoded: bytes) -> Batch:
    """The batch in `encoded`; raises UnreadableState for anything else."""
    columns = dict(decode(encoded, "batch", VERSION, MIGRATIONS).arrays)
    keys = _keys(columns.pop("text"), columns.pop("lengths"))
    return Batch([keys[which] for which in columns.pop("series").tolist()], **columns)


def encode_missing(keys: Sequence[SeriesKey]) -> bytes:
    """The bytes of series that became missing at once.

    Examples
    --------
    >>> entry = encode_missing([("pump-1", "flow")])
    >>> is_missing(entry), decode_missing(entry)
    (True, [('pump-1', 'flow')])
    """
    return encode(State(MISSING, MISSING_VERSION, {}, _names(list(map(series_name, keys)))), compressed=False)


def is_missing(encoded: bytes) -> bool:
    """Whether an entry of the journal has missing series, and no batch. Raises UnreadableState."""
    return kind_of(encoded) == MISSING


def decode_missing(encoded: bytes) -> list[SeriesKey]:
    """The series in `encoded`; raises UnreadableState for anything else."""
    arrays = decode(encoded, MISSING, MISSING_VERSION).arrays
    return _keys(arrays["text"], arrays["lengths"])


def _keys(text: Array, lengths: Array) -> list[SeriesKey]:
    names, ends = text.tobytes(), np.cumsum(lengths).tolist()
    return [series_key(names[start:end]) for start, end in zip([0, *ends], ends, strict=False)]


def _names(names: list[bytes]) -> dict[str, Array]:
    text, lengths = b"".join(names), [len(name) for name in names]
    return {"text": np.frombuffer(text, np.uint8), "lengths": np.array(lengths, np.int32)}
