"""Devices: what the company knows of each, as PostgreSQL holds it."""

from pydantic import Field

from schemas.record import Record

MAX_TEXT_LENGTH = 256
"""Characters. Each text goes with every reading of its device; InfluxDB refuses a text of 64 KiB, and the reading."""


class Device(Record):
    """A row of the table `devices`. A company's table may have more columns.

    Site, model and owner become fields of the device's readings in InfluxDB.
    """

    schema_version: int = 1
    device: str
    site: str | None = Field(None, max_length=MAX_TEXT_LENGTH, description="at most 256 characters, as the two below")
    model: str | None = Field(None, max_length=MAX_TEXT_LENGTH)
    owner: str | None = Field(None, max_length=MAX_TEXT_LENGTH)
