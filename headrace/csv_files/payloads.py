"""Readings of a file as payloads of Headrace's own JSON, and the check that they will be understood as meant."""

import json
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from headrace.csv_files.csv_readings import CsvReading, CsvReadings
from headrace.errors import UnusableFile
from headrace.sources.preview import preview
from schemas.device_name import device_name_fault
from schemas.limits import MAX_CLOCK_SKEW_MS
from schemas.sources import Sources

PUBLISH_ID = "publish_id"
"""A field that no codec reads: by it the messages of one `headrace publish` are found in telemetry.raw."""

MAX_LEAD_MS = MAX_CLOCK_SKEW_MS // 5
"""How far the times of rows without their own may run ahead of the clock: each has a millisecond of its own."""


def require_device(device: str) -> None:
    """Whether a name can be a level of an MQTT topic, and a device.

    Raises
    ------
    UnusableFile
        With the reason.
    """
    fault = device_name_fault(device.strip())
    if found := next((each for each in "/+#\\" if each in device), None):
        fault = f"it has a {found}" + (", which MQTT topics use for their levels and filters" if found != "\\" else "")
    elif device != device.strip() or not device.isprintable():
        fault = fault or "it has a blank at an end, a line separator or the like"
    if fault is not None:
        shown = ascii(device[:60])
        raise UnusableFile(f"--device {shown} cannot be a device: {fault}. Nothing was sent; take another name")


@dataclass
class Payloads:
    """Sized; iterating gives the payloads in the order of the file."""

    readings: CsvReadings
    publish_id: str = field(default_factory=lambda: secrets.token_hex(6))
    clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    sleep: Callable[[float], None] = time.sleep
    max_ahead_ms: int = MAX_LEAD_MS

    def __len__(self) -> int:
        return len(self.readings)

    def __iter__(self) -> Iterator[bytes]:
        last_ms = 0
        for reading in self.readings:
            # One identity has one value: two rows in one millisecond would be a conflict.
            last_ms = max(self.clock_ms(), last_ms + 1)
            if (ahead_ms := last_ms - self.clock_ms() - self.max_ahead_ms) > 0 and reading.time_ms is None:
                self.sleep(ahead_ms / 1000)
            yield self.payload(reading, last_ms)

    def payload(self, reading: CsvReading, now_ms: int) -> bytes:
        """One reading, at its own time or at `now_ms`."""
        fields = {
            "metric": self.readings.options.metric,
            "value": reading.value,
            "ts": now_ms if reading.time_ms is None else reading.time_ms,
            "unit": self.readings.unit,
            PUBLISH_ID: self.publish_id,
        }
        return json.dumps({name: value for name, value in fields.items() if value is not None}).encode()

    def require_understood(self, sources: Sources, device: str) -> None:
        """Tries one payload as the bridge and clean_telemetry will see it.

        Raises
        ------
        UnusableFile
            When no source reads the topic, or the device, metric or unit would be rejected.
        """
        topic, now_ms = f"fleet/{device}/telemetry", self.clock_ms()
        found = preview(sources, topic, self.payload(CsvReading(0, 1.0, None), now_ms), now_ms)
        if found.source is None or found.ignored is not None:
            raise UnusableFile(
                f"no declared source reads {topic}, so nothing was sent. Add the source of fleet/{{device}}/telemetry "
                "to sources.toml:  headrace source ls"
            )
        if found.rejections:
            rejection = found.rejections[0]
            said = f"{rejection.reason.value} ({rejection.detail})" if rejection.detail else rejection.reason.value
            raise UnusableFile(
                f"every row would be rejected as {said}. Nothing was sent; see --device, --metric, --unit and "
                "docs/reference/units.md"
            )
        if [(each.device, each.metric) for each in found.readings] != [(device, self.readings.options.metric)]:
            raise UnusableFile(
                f"source {found.source.name} reads {topic} as something else, so nothing was sent. "
                f"See how:  headrace source test --topic {topic}"
            )
