"""A reading that passed validation, and its JSON: the fields of schemas.reading.Reading without pydantic's cost."""

import msgspec


class ItemPosition(msgspec.Struct, gc=False):
    """The fields of schemas.record.Position."""

    topic: str
    partition: int
    offset: int
    item: int = 0
    items: int = 1


class ValidReading(msgspec.Struct, gc=False):
    """The fields of schemas.reading.Reading, in its order. The position is set by whoever knows it."""

    device: str
    metric: str
    event_time: int
    value: float
    unit: str | None = None
    sequence: int | None = None
    position: ItemPosition | None = None
    schema_version: int = 1


encoded = msgspec.json.Encoder().encode
"""The JSON of a ValidReading whose position is set, as the topic telemetry.readings has it."""
