"""How far store_influxdb has come: what it has passed is in InfluxDB, or refused and a dead letter."""

import time
from collections.abc import Callable, Mapping

from connectors.kafka.clients import admin_client
from connectors.kafka.reading import group_offsets
from connectors.kafka.tail import tail
from jobs.names import consumer_group
from schemas.topics import TELEMETRY_READINGS

GROUP = consumer_group("store_influxdb")
REQUEST_MS = 15_000
PAUSE_S = 1.0
"""Offsets move with checkpoints, which come every 5 s."""


class StoreProgress:
    """How far `store_influxdb` has read its topics.

    Raises
    ------
    KafkaClientError
        When the broker does not answer.
    """

    def __init__(self, bootstrap: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._bootstrap = bootstrap
        self._sleep = sleep

    def fence(self) -> dict[int, int]:
        """Partition of telemetry.readings -> the offset of its last record now.

        Not the end offset: transaction markers take offsets, and the job commits the offset behind a record.
        """
        records = tail(self._bootstrap, TELEMETRY_READINGS.name, committed=False)
        return {partition: found[-1].offset for partition, found in records.items() if found}

    def passes(self, fence: Mapping[int, int], within_s: float) -> bool:
        """Whether the store has written everything up to the fence; waits for it for `within_s`."""
        deadline = time.monotonic() + within_s
        while not (passed := self._has_passed(fence)) and time.monotonic() < deadline:
            self._sleep(PAUSE_S)
        return passed

    def _has_passed(self, fence: Mapping[int, int]) -> bool:
        with admin_client(self._bootstrap, REQUEST_MS) as admin:
            committed = group_offsets(admin, [GROUP])
        topic = TELEMETRY_READINGS.name
        return all(committed.get((GROUP, (topic, partition)), -1) > offset for partition, offset in fence.items())
