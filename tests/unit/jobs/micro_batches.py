"""Micro-batches as GatherMicroBatches.java makes them, and what ScatterRecords.java makes of scored ones."""

import numpy as np


def gathered(values):
    """The two columns behind the bucket."""
    return b"[" + b",".join(values) + b"]", b"".join(len(value).to_bytes(4) for value in values)


def scattered(row):
    """Key and record of each."""
    keys, records, lengths = row
    ends = np.frombuffer(lengths, ">i4").reshape(-1, 2).cumsum(axis=0)
    key = record = 0
    for next_key, next_record in ends.tolist():
        yield keys[key:next_key], records[record:next_record]
        key, record = next_key, next_record
