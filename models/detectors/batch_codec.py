"""A batch as bytes: an entry of the journal that is replayed after a restart."""

from models.detectors.scorer import Batch
from models.detectors.state_codec import NO_MIGRATIONS, Migrations, State, decode, encode

VERSION = 1
MIGRATIONS: Migrations = NO_MIGRATIONS


def freeze_batch(batch: Batch) -> bytes:
    """The bytes of a batch; `thaw_batch` gives an equal one.

    Examples
    --------
    >>> batch = Batch([("pump-1", "flow")], [1000], [0.5], [0], [7], [0])
    >>> thaw_batch(freeze_batch(batch)).keys, thaw_batch(freeze_batch(batch)).offsets
    ([('pump-1', 'flow')], array([7]))
    """
    devices, metrics = zip(*batch.keys, strict=True) if batch.keys else ((), ())
    columns = {
        "event_times": batch.event_times,
        "values": batch.values,
        "partitions": batch.partitions,
        "offsets": batch.offsets,
        "items": batch.items,
    }
    return encode(State("batch", VERSION, {"devices": devices, "metrics": metrics}, columns))


def thaw_batch(encoded: bytes) -> Batch:
    """The batch in `encoded`; raises UnreadableState for anything else."""
    state = decode(encoded, "batch", VERSION, MIGRATIONS)
    return Batch(list(zip(state.values["devices"], state.values["metrics"], strict=True)), **state.arrays)
