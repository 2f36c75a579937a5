"""Verdicts as bytes: an entry of the journal, beside its batches."""

from collections.abc import Sequence

from models.detectors.verdicts import Verdict
from models.state_codec import State, UnreadableState, decode, encode, kind_of

KIND, VERSION = "verdicts", 1


def encode_verdicts(verdicts: Sequence[Verdict]) -> bytes:
    """The bytes of verdicts, in their order.

    Examples
    --------
    >>> entry = encode_verdicts([Verdict(("pump-1", "flow"), 1000, dismissed=True)])
    >>> has_verdicts(entry), decode_verdicts(entry)
    (True, [Verdict(key=('pump-1', 'flow'), episode=1000, dismissed=True)])
    """
    rows = [[*verdict.key, verdict.episode, verdict.dismissed] for verdict in verdicts]
    return encode(State(KIND, VERSION, {"verdicts": rows}, {}), compressed=False)


def has_verdicts(entry: bytes) -> bool:
    """Whether an entry of the journal has verdicts; raises UnreadableState for no entry at all."""
    return kind_of(entry) == KIND


def decode_verdicts(entry: bytes) -> list[Verdict]:
    """The verdicts in `entry`; raises UnreadableState for anything else."""
    try:
        rows = decode(entry, KIND, VERSION).values["verdicts"]
        return [Verdict((device, metric), episode, dismissed) for device, metric, episode, dismissed in rows]
    except (LookupError, ValueError, TypeError) as error:
        raise UnreadableState(f"these are no verdicts: {error!r}") from error
