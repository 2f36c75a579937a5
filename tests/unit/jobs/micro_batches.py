"""Micro-batches as `flink.micro_batch` gathers them, and what it scatters answers into."""

from flink import framing


def gathered(values):
    """The frame of records of one column."""
    return framing.encode([(value,) for value in values])


def scattered(row):
    """Key and record of each."""
    frame = framing.Frame(row[0], columns=2)
    return zip(frame.fields(0), frame.fields(1), strict=True)
