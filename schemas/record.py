"""What every record on a topic has in common: a frozen pydantic model with a schema version."""

from collections.abc import Iterator
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError


class Record(BaseModel):
    """A value of a Kafka topic, written as one JSON object.

    The SQL columns (`schemas.sql`), the JSON Schema (`model_json_schema`) and `docs/reference/records.md` are
    made from the fields, so a field is defined once. Readers accept every earlier `SCHEMA_VERSION`:
    a new field has a default, and no field changes its type.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_bytes="base64", val_json_bytes="base64")

    SCHEMA_VERSION: ClassVar[int] = 1


MAX_PARTITIONS = 10_000
"""Of one topic. Bounds what a record of a foreign producer makes a detector's state grow to."""


class Position(BaseModel):
    """Where in the source an item stood: item `item` (from 0) of the `items` items of one message."""

    model_config = ConfigDict(frozen=True)

    topic: str
    partition: int = Field(ge=0, lt=MAX_PARTITIONS)
    offset: int = Field(ge=0, lt=2**63)
    item: int = Field(0, ge=0, lt=2**31)
    items: int = Field(1, ge=1, lt=2**31)


def faults(error: ValidationError) -> Iterator[str]:
    """What is wrong with a record, a field at a time: "value: Input should be a valid number"."""
    return (f"{'.'.join(map(str, each['loc'])) or 'value'}: {each['msg']}" for each in error.errors())
