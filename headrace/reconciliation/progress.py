"""How far the jobs are: what can be judged by now, and what is still under way."""

from collections.abc import Mapping
from dataclasses import dataclass

from connectors.flink_rest import FlinkUnavailable
from connectors.kafka.log import KafkaLog
from connectors.kafka.reading import Partition
from headrace.monitoring import jobs
from headrace.reconciliation.ingest import TOPICS
from headrace.reconciliation.windows import OpenWindow
from jobs.names import CLEAN_TELEMETRY, consumer_group
from schemas.topics import (
    DEAD_LETTERS,
    TELEMETRY_DUPLICATES,
    TELEMETRY_IGNORED,
    TELEMETRY_LATE,
    TELEMETRY_RAW,
    TELEMETRY_READINGS,
    TELEMETRY_WINDOWS,
)

WINDOWING, TO_INFLUXDB, TO_REDIS = "window_telemetry", "store_influxdb", "store_redis"

READS = {
    CLEAN_TELEMETRY: TELEMETRY_RAW.name,
    WINDOWING: TELEMETRY_READINGS.name,
    TO_INFLUXDB: TELEMETRY_READINGS.name,
    TO_REDIS: TELEMETRY_READINGS.name,
}
"""Job -> the topic that it has to have read for a verdict."""

WRITES = {
    CLEAN_TELEMETRY: (TELEMETRY_READINGS.name, TELEMETRY_DUPLICATES.name, TELEMETRY_IGNORED.name, DEAD_LETTERS.name),
    WINDOWING: (TELEMETRY_WINDOWS.name, TELEMETRY_LATE.name),
    TO_INFLUXDB: (DEAD_LETTERS.name,),
    TO_REDIS: (DEAD_LETTERS.name,),
}
"""Job -> the topics in which what it made of a record may stand."""


@dataclass(frozen=True)
class Progress:
    """What was so before the topics were read.

    A job commits its offsets with a checkpoint, when what it made of them is flushed: either it is committed, or its
    transaction is open. So a job that is past an offset, with no open transaction in its outputs, has done its work.
    """

    ends: Mapping[Partition, int]
    """How far each partition is read: behind its last committed record."""
    uncommitted: frozenset[str]
    """Topics with records behind their committed end."""
    groups: Mapping[tuple[str, Partition], int]
    """What the jobs' consumer groups have committed."""
    watermark_ms: int | None
    """Of window_telemetry; None: it does not run, or has none yet."""

    @classmethod
    def of(cls, log: KafkaLog, flink: str) -> "Progress":
        """The order counts: how far the jobs are is asked before how far their outputs are."""
        partitions = log.partitions(TOPICS)
        raw = [each for each in partitions if each[0] == TELEMETRY_RAW.name]
        outputs = [each for each in partitions if each[0] != TELEMETRY_RAW.name]
        raw_ends = log.committed_ends(raw)
        groups = log.group_offsets([consumer_group(job) for job in READS])
        watermark_ms = _watermark_ms(flink)
        committed = log.committed_ends(outputs)
        ends = log.ends(outputs)
        uncommitted = frozenset(each[0] for each in outputs if ends[each] > committed[each])
        return cls(raw_ends | committed, uncommitted, groups, watermark_ms)

    def is_past(self, job: str, partition: int, offset: int) -> bool:
        """Whether the job has done its work on that record of the topic that it reads, and all of it can be seen."""
        return self.groups.get((consumer_group(job), (READS[job], partition)), 0) > offset and self.has_committed(job)

    def behind(self, job: str, last_records: Mapping[Partition, int]) -> int:
        """How many offsets the job still has to read up to the last records; transaction markers count too."""
        return sum(
            max(0, last + 1 - self.groups.get((consumer_group(job), partition), 0))
            for partition, last in last_records.items()
            if partition[0] == READS[job] and last >= 0
        )

    def has_committed(self, job: str) -> bool:
        """Whether no transaction was open in the topics that the job writes."""
        return self.uncommitted.isdisjoint(WRITES[job])

    def has_closed(self, window: OpenWindow) -> bool:
        """Whether all that becomes of a window stands in its topics by now: its record, and its late readings."""
        if self.watermark_ms is None or window.end_ms > self.watermark_ms:
            return False
        if window.partition is None:
            return self.has_committed(WINDOWING)
        # A late reading is one that comes behind the watermark: the job must have read it too.
        return self.is_past(WINDOWING, window.partition, window.last or 0)

    def waiting(self, last_records: Mapping[Partition, int]) -> list[str]:
        """What is under way, a sentence each."""
        found = []
        for job, topic in READS.items():
            if behind := self.behind(job, last_records):
                found.append(f"{job} is {behind:,} offsets of {topic} behind")
        found += [f"{topic} holds records that are not committed yet" for topic in sorted(self.uncommitted)]
        return found


def _watermark_ms(flink: str) -> int | None:
    try:
        running = [job for job in jobs.collect(flink) if job.name == WINDOWING and job.state == "RUNNING"]
    except FlinkUnavailable:
        return None  # without a watermark no window can be judged, and the balance says that they are open
    return running[0].watermark_ms if running else None
