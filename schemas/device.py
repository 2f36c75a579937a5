"""Devices: what the company knows of each, as PostgreSQL holds it."""

from schemas.record import Record


class Device(Record):
    """A row of the table `devices`. A company's table may have more columns."""

    schema_version: int = 1
    device: str
    site: str | None = None
    model: str | None = None
    owner: str | None = None
