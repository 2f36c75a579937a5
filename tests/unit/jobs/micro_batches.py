"""Micro-batches as `flink.micro_batch` gathers them, and what it scatters answers into."""

from flink import framing


def gathered_readings(values, first_offset=0):
    """The frame of records of telemetry.readings, as score_anomalies gathers them."""
    places = (offset.to_bytes(8) for offset in range(first_offset, first_offset + len(values)))
    return framing.encode([(b"pump-1", bytes(8), place, value) for place, value in zip(places, values, strict=True)])


def scattered(row):
    """Key and record of each."""
    frame = framing.Frame(row[0], columns=2)
    return zip(frame.fields(0), frame.fields(1), strict=True)
