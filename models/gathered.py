"""Records as jobs/operators/GatherMicroBatches.java gathers them: elements of one JSON array, and the bytes of each."""

import numpy as np

LENGTH = np.dtype(">i4")
"""As Java writes an int."""


def cuts(lengths: bytes) -> list[slice]:
    """Where each element stands in the array.

    Examples
    --------
    >>> [b"[7,true]"[cut] for cut in cuts(b"\\0\\0\\0\\1\\0\\0\\0\\4")]
    [b'7', b'true']
    """
    sizes = np.frombuffer(lengths, LENGTH).astype(np.int64)
    ends = np.cumsum(sizes + 1)
    return list(map(slice, (ends - sizes).tolist(), ends.tolist()))
