"""telemetry.windows: up to when windows have closed, and where corrected ones go."""

from collections.abc import Sequence
from types import TracebackType
from typing import Any

from connectors.kafka.clients import confirmed, producer, translated
from connectors.kafka.tail import tail
from schemas.topics import TELEMETRY_WINDOWS
from schemas.window_summary import WINDOWS_MS, WindowSummary

WITHIN_S = 30.0
LOOKED_BACK = (20, 200, 2000, 20_000)
"""Offsets of each partition, until a first record is among them."""


class WindowTopic:
    """Corrected windows get the key of the first ones, so each comes behind the one that it replaces.

    Raises KafkaClientError where the broker does not answer.
    """

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._producer: Any | None = None

    def __enter__(self) -> "WindowTopic":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self._producer is not None:
            self._producer.close(timeout=1)

    def newest_end_ms(self) -> int:
        """Windows that end by then have closed, all of them: their first records are in the topic. 0 if none is.

        Windows leave the job in the order of their ends, and each checkpoint writes all before it commits any.
        """
        for offsets in LOOKED_BACK:
            last = self._last(offsets)
            # Corrected ones are of old windows: they alone would say too little.
            if any(not summary.corrected for summary in last):
                break
        return max((summary.window_start + WINDOWS_MS.get(summary.window, 0) for summary in last), default=0)

    def _last(self, offsets: int) -> list[WindowSummary]:
        records = tail(self._bootstrap, TELEMETRY_WINDOWS.name, committed=True, offsets=offsets)
        parsed = (_parsed(record.value) for each in records.values() for record in each)
        return [summary for summary in parsed if summary]

    def send(self, summaries: Sequence[WindowSummary]) -> None:
        """Return once Kafka has all of them. Raises KafkaUnavailable after WITHIN_S: some may be there."""
        if not summaries:
            return
        if self._producer is None:
            self._producer = producer(self._bootstrap, client_id="headrace-correct_windows", linger_ms=20)
        with translated(self._bootstrap):
            sent = [
                self._producer.send(
                    TELEMETRY_WINDOWS.name, key=each.device.encode(), value=each.model_dump_json().encode()
                )
                for each in summaries
            ]
            self._producer.flush(timeout=WITHIN_S)
        confirmed(sent, WITHIN_S)


def _parsed(value: bytes | None) -> WindowSummary | None:
    """None for what another producer has written: it says nothing about the windows."""
    try:
        return WindowSummary.model_validate_json(value or b"")
    except ValueError:
        return None
