"""Micro-batches as `flink.micro_batch` gathers them, and what it scatters answers into."""

from flink import framing


def gathered_readings(values, first_offset=0):
    """The frame of records of telemetry.readings, as score_anomalies gathers them."""
    return gathered(values, [False] * len(values), first_offset)


def gathered(values, are_verdicts, first_offset=0):
    """The frame of records of telemetry.readings and of telemetry.verdicts."""
    places = (offset.to_bytes(8) for offset in range(first_offset, first_offset + len(values)))
    rows = zip(places, values, are_verdicts, strict=True)
    return framing.encode([(b"pump-1", bytes(8), place, value, bytes([flag])) for place, value, flag in rows])


def scattered(row):
    """Key and record of each."""
    frame = framing.Frame(row[0], columns=2)
    return zip(frame.fields(0), frame.fields(1), strict=True)
