"""The demo's messages are what its table says they are."""

import json
import os
import time
from collections import Counter
from itertools import count
from typing import Any

import numpy as np
from kafka.partitioner import murmur2

from examples.telemetry.dialects import PRESETS, declare
from examples.telemetry.fleet import FAULTS, SHUTTLES, TICKS, WATER, RecordedFleet
from examples.telemetry.planted_faults import NO_FAULTS_BELOW
from examples.telemetry.run import TICKS_A_SECOND
from models.detectors import Batch, Scorer
from models.detectors.catalogue import DEFAULT
from payload_codecs.message import Message
from payload_codecs.registry import codec_of
from payload_codecs.valid_reading import ValidReading
from payload_codecs.validation import Validator
from schemas.presets import preset_fields
from schemas.reject_reasons import RejectReason
from schemas.source import Source
from schemas.sources import Sources
from schemas.sources_file import parse_sources
from schemas.topics import TELEMETRY_RAW
from stack.layout import Layout

NO_DEVICE_TOPIC = FAULTS["no_device"]().topic
NOW_MS = int(time.time() * 1000)


def test_every_fault_of_the_demo_is_a_reason_of_the_closed_list():
    assert set(FAULTS) <= {reason.value for reason in RejectReason}


def test_every_partition_has_a_device_so_that_no_quiet_one_holds_the_watermark():
    partitions = {(murmur2(device.encode()) & 0x7FFFFFFF) % TELEMETRY_RAW.partitions for device in (WATER, *SHUTTLES)}
    assert partitions == set(range(TELEMETRY_RAW.partitions))


def test_the_fleet_counts_what_it_mixes_in():
    fleet = RecordedFleet(ticks=600)
    messages = [message for tick in fleet for message in tick]
    copies = sum(count - 1 for count in Counter((m.device, m.payload) for m in messages if m.device == WATER).values())
    faulty = [m for m in messages if m.device not in (WATER, *SHUTTLES) and m.topic in (None, NO_DEVICE_TOPIC)]
    assert (copies, len(faulty)) == (fleet.duplicates, fleet.expected.total())


def test_the_other_formats_become_the_readings_that_the_fleet_counts():
    sources = Sources([Source(**{**preset_fields(name), "name": name}) for name in PRESETS])
    codecs: dict[str, Any] = {source.name: codec_of(source) for source in sources.sources}
    state, n = codecs["sparkplug-b"].new_state(), 0
    fleet = RecordedFleet(ticks=600)
    for message in (each for tick in fleet for each in tick if sources.route(each.topic or "") is not None):
        routed = sources.route(message.topic)
        came = Message(message.payload, routed.device, message.topic, routed.levels, NOW_MS, NOW_MS)
        codec = codecs[routed.source.name]
        items = codec.decode(came, state) if routed.source.name == "sparkplug-b" else codec.decode(came)
        outcomes = Validator(routed.source).outcomes(came, items, codec.original)
        assert all(isinstance(outcome, ValidReading) for outcome in outcomes), outcomes
        n += len(outcomes)
    assert n == fleet.dialects.readings > 400


def test_sources_that_are_declared_already_stay_as_they_are(tmp_path):
    layout = Layout(tmp_path)
    declare(layout)
    text = layout.settings.sources_file.read_text()
    os.utime(layout.settings.sources_file, (1, 1))
    declare(layout)
    assert layout.settings.sources_file.read_text() == text
    assert layout.settings.sources_file.stat().st_mtime == 1, "a file that is written counts as not applied"
    assert [source.name for source in parse_sources(text).sources] == ["fleet", *PRESETS]


def test_no_two_readings_of_a_device_share_an_identity():
    messages = {(m.device, m.payload) for tick in RecordedFleet(ticks=200) for m in tick if m.device in SHUTTLES}
    times = Counter()
    for device, payload in messages:
        body = json.loads(payload)
        times[device, body["ts"] if isinstance(body, dict) else body[0]["ts"]] += 1
    assert set(times.values()) == {1}


def test_a_planted_fault_replaces_as_many_readings_as_it_says_and_its_time_is_that_of_the_first():
    faulty, sound = RecordedFleet(TICKS, seed=7, now_ms=_clock()), RecordedFleet(NO_FAULTS_BELOW - 1, now_ms=_clock())
    assert (len(faulty.planted), len(sound.planted)) == (3, 0)
    changed: Counter[tuple[str, str]] = Counter()
    first: dict[tuple[str, str], int] = {}
    for (series, _, true), (_, ts, sent) in zip(_of_shuttles(sound), _of_shuttles(faulty), strict=False):
        if sent != true:
            changed[series] += 1
            first.setdefault(series, ts)
    assert changed == {(each.device, each.metric): each.fault.readings for each in faulty.planted}
    assert first == {(each.device, each.metric): ms for each, ms in faulty.planted_ms.items()}
    assert len({each.device for each in faulty.planted}) == 3


def test_detectors_that_know_nothing_find_every_planted_fault_and_little_else():
    fleet = RecordedFleet(TICKS, seed=7, now_ms=_clock())
    keys, times, values = zip(*_of_shuttles(fleet), strict=True)
    n = len(keys)
    readings = Batch(list(keys), np.array(times), np.array(values, float), np.zeros(n), np.arange(n), np.zeros(n))
    scored = Scorer(DEFAULT).step(readings)
    alerts = {(*keys[place], times[place]) for place in scored.index[scored.episodes == times]}
    found = {(device, metric) for device, metric, _ in alerts} & {(each.device, each.metric) for each in fleet.planted}
    assert len(found) == 3
    assert len(alerts) <= 8


def _clock():
    """Milliseconds of a fleet that sends at the demo's pace: a tick asks for some eight times."""
    return count(NOW_MS, 1000 // TICKS_A_SECOND // 8).__next__


def _of_shuttles(fleet):
    """(series, time, value) of each reading of a shuttle."""
    for message in (each for tick in fleet for each in tick if each.device in SHUTTLES):
        body = json.loads(message.payload)
        samples = body if isinstance(body, list) else [
            {"metric": metric, "value": value, "ts": body["ts"]} for metric, value in body["values"].items()
        ]  # fmt: skip
        for sample in samples:
            yield (message.device, sample["metric"]), sample["ts"], sample["value"]
