"""Records per CPU second, from looks at a running system."""

from collections.abc import Sequence
from typing import NamedTuple


class Sample(NamedTuple):
    """Records written so far, and CPU seconds spent so far."""

    records: int
    cpu_s: float


def records_per_cpu_s(samples: Sequence[Sample]) -> float:
    """Of the second half of the records: in the first one imports, compilers and caches get warm.

    Raises
    ------
    ValueError
        When the records were never seen to move, or cost nothing.

    Examples
    --------
    >>> records_per_cpu_s([Sample(0, 1.0), Sample(500, 3.0), Sample(1000, 4.0)])
    500.0
    """
    last = samples[-1]
    begin = next(sample for sample in samples if 2 * sample.records >= last.records)
    if begin.records == last.records:
        # It moved once: then the first look at all is what there is.
        begin = samples[0]
    if last.records == begin.records or last.cpu_s <= begin.cpu_s:
        raise ValueError(f"nothing to divide: {begin} to {last}")
    return (last.records - begin.records) / (last.cpu_s - begin.cpu_s)
