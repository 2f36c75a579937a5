"""What every record on a topic has in common: a frozen pydantic model with a schema version."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """A value of a Kafka topic, written as one JSON object.

    The SQL columns (`schemas.sql`), the JSON Schema (`model_json_schema`) and `docs/records.md` are
    made from the fields, so a field is defined once. Readers accept every earlier `SCHEMA_VERSION`:
    a new field has a default, and no field changes its type.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_bytes="base64", val_json_bytes="base64")

    SCHEMA_VERSION: ClassVar[int] = 1


class Position(BaseModel):
    """Where in the source an item stood: item `item` (from 0) of the `items` items of one message."""

    model_config = ConfigDict(frozen=True)

    topic: str
    partition: int
    offset: int
    item: int = 0
    items: int = 1
