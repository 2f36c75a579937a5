"""What retention took before a balance read it: named, and left out of the judgement.

A message whose outcome was taken cannot be judged, and neither can the windows and points of readings that were.
How far that reaches is told by time: what was taken was appended before what is left.
"""

import time
from collections.abc import Mapping

from connectors.kafka.log import KafkaLog
from connectors.kafka.reading import Partition
from headrace.reconciliation.ledger import Ledger
from headrace.reconciliation.progress import WINDOWING, WRITES
from jobs.names import CLEAN_TELEMETRY
from schemas.limits import MAX_CLOCK_SKEW_MS
from schemas.topics import TELEMETRY_RAW, TELEMETRY_READINGS

"""How far an event time may be ahead of the time of append: the cleaning refuses what is further."""

Gaps = dict[Partition, tuple[int, int]]
"""Partition -> the first offset that was not read, and the first that is left."""


def gaps(first_offsets: Mapping[Partition, int], ledger: Ledger) -> Gaps:
    """The partitions that begin behind what was read of them."""
    read = {each: ledger.positions.get(each, 0) for each in first_offsets}
    return {each: (read[each], first) for each, first in first_offsets.items() if read[each] < first}


def skip(lost: Gaps, ledger: Ledger) -> None:
    """Names the gaps and reads on behind them."""
    for (topic, number), (first, left) in lost.items():
        ledger.add_gap(topic, number, first, left - 1)
        ledger.positions[topic, number] = left
        if topic == TELEMETRY_RAW.name:
            ledger.messages.excuse(number, left)


def excuse(lost: Gaps, first_append_ms: Mapping[Partition, int], log: KafkaLog, ledger: Ledger) -> None:
    """Leaves out what cannot be judged for want of what was taken, once the topics are read.

    `first_append_ms` has when the first record that is left was appended, by partition.
    """
    now_ms = int(time.time() * 1000)
    taken_before_ms = {each: first_append_ms.get(each, now_ms) for each in lost}
    outcomes = [at for (topic, _), at in taken_before_ms.items() if topic in WRITES[CLEAN_TELEMETRY]]
    if outcomes:
        _excuse_messages(max(outcomes), log, ledger)
    readings = (TELEMETRY_READINGS.name, *WRITES[WINDOWING])
    times = [at for (topic, _), at in taken_before_ms.items() if topic in readings]
    if times:
        ledger.judged_from_ms = max(ledger.judged_from_ms, max(times) + MAX_CLOCK_SKEW_MS)


def _excuse_messages(before_ms: int, log: KafkaLog, ledger: Ledger) -> None:
    """Messages that were appended before: what became of them may have been taken."""
    raw = [each for each in ledger.positions if each[0] == TELEMETRY_RAW.name]
    for (topic, number), offset in log.offsets_at(raw, before_ms).items():
        end = ledger.positions[topic, number] if offset is None else min(offset, ledger.positions[topic, number])
        for first, last in ledger.messages.excuse(number, end):
            ledger.add_gap(topic, number, first, last)
