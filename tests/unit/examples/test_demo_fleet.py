"""The demo's messages are what its table says they are."""

import json
from collections import Counter

from kafka.partitioner import murmur2

from examples.telemetry.fleet import FAULTS, SHUTTLES, WATER, RecordedFleet
from schemas.reject_reasons import RejectReason
from schemas.topics import TELEMETRY_RAW


def test_every_fault_of_the_demo_is_a_reason_of_the_closed_list():
    assert set(FAULTS) <= {reason.value for reason in RejectReason}


def test_every_partition_has_a_device_so_that_no_quiet_one_holds_the_watermark():
    partitions = {(murmur2(device.encode()) & 0x7FFFFFFF) % TELEMETRY_RAW.partitions for device in (WATER, *SHUTTLES)}
    assert partitions == set(range(TELEMETRY_RAW.partitions))


def test_the_fleet_counts_what_it_mixes_in():
    fleet = RecordedFleet(ticks=600)
    messages = [message for tick in fleet for message in tick]
    copies = sum(count - 1 for count in Counter((m.device, m.payload) for m in messages if m.device == WATER).values())
    faulty = [message for message in messages if message.device not in (WATER, *SHUTTLES)]
    assert (copies, len(faulty)) == (fleet.duplicates, fleet.expected.total())


def test_no_two_readings_of_a_device_share_an_identity():
    messages = {(m.device, m.payload) for tick in RecordedFleet(ticks=200) for m in tick if m.device in SHUTTLES}
    times = Counter()
    for device, payload in messages:
        body = json.loads(payload)
        times[device, body["ts"] if isinstance(body, dict) else body[0]["ts"]] += 1
    assert set(times.values()) == {1}
