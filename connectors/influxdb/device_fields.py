"""What the topic `devices` says of each device, as fields of its readings in InfluxDB."""

import logging
from collections.abc import Iterable
from typing import Any

from pydantic import Field, ValidationError

from connectors.influxdb.points import metadata
from schemas.device import Device
from schemas.record import faults
from schemas.topics import DEVICES
from schemas.unavailable_values import known_columns

log = logging.getLogger(__name__)


class _Row(Device):
    """As change capture writes it: a deleted row comes once more, with a mark (docs/how-to/change_capture.md)."""

    deleted: bool = Field(False, alias="__deleted")


class _UnusableRow(ValueError):
    """The message says why."""


class DeviceFields:
    """The newest fields of each device that has any. One thread may write while others read."""

    def __init__(self) -> None:
        self._fields: dict[str, str] = {}
        self.unusable_rows = 0

    def of(self, device: str) -> str:
        """`,site="Köln",model="P-200"`; empty for a device of which nothing is known."""
        return self._fields.get(device, "")

    def take(self, records: Iterable[Any]) -> None:
        """Takes over records of the topic. One that cannot be used changes nothing, is counted, and is logged."""
        last = ""
        position: dict[str, Any] = {}
        before = self.unusable_rows
        for record in records:
            try:
                self._change(record.key, record.value)
            except _UnusableRow as why:
                self.unusable_rows += 1
                # Also in the text: a Flink worker's log has no fields.
                last = f"{DEVICES.name}[{record.partition}] {record.offset}, {why}"
                position = {"topic": DEVICES.name, "partition": record.partition, "offset": record.offset}
        if last:
            log.warning(
                "%d rows cannot be used (%d since the start), their devices keep what was known of them. The last: %s",
                self.unusable_rows - before, self.unusable_rows, last, extra=position,
            )  # fmt: skip

    def _change(self, key: bytes | None, value: bytes | None) -> None:
        device = _name(key)
        row = None if value is None else _row(device, value)
        fields = "" if row is None or row.deleted else metadata(row)
        if fields:
            self._fields[device] = fields
        else:
            self._fields.pop(device, None)


def _name(key: bytes | None) -> str:
    try:
        return (key or b"").decode()
    except UnicodeDecodeError as error:
        raise _UnusableRow(f"key {key!r:.80}: not UTF-8") from error


def _row(device: str, value: bytes) -> _Row:
    try:
        row = _Row.model_validate_json(known_columns(value))
    except ValidationError as error:
        raise _UnusableRow(f"device {device!r:.80}: {'; '.join(faults(error)):.500}") from error
    if row.device != device:
        raise _UnusableRow(f"device {device!r:.80}: the row is that of {row.device!r:.80}")
    return row
