"""Devices of the demo that do not speak Headrace's JSON: a Zigbee2MQTT sensor and a Sparkplug edge node."""

import json
from collections.abc import Callable, Iterator, Mapping

from connectors.atomic_write import atomic_write_text
from headrace.sources.added import with_preset
from payload_codecs.sparkplug_b.data_types import BOOLEAN, DOUBLE, INT64
from payload_codecs.sparkplug_b.protobuf_schema import Payload
from schemas.sources_file import parse_sources, read_sources
from stack.layout import Layout

ZIGBEE_TOPIC = "zigbee2mqtt/pump-house"
NODE, GROUP = "press-line", "plant"
DEVICES = (b"pump-house", f"{GROUP}/{NODE}".encode())
"""Keys of the readings of both."""

PRESETS = {"zigbee2mqtt": ZIGBEE_TOPIC, "sparkplug-b": f"spBv1.0/{GROUP}/NBIRTH/{NODE}"}
"""Preset -> a topic that one of its sources has to read."""

ZIGBEE_EVERY, SPARKPLUG_EVERY = 10, 5
"""Ticks."""

ALIASES = {"Inlet/Flow": 1, "Inlet/Pressure": 2}


def declare(layout: Layout) -> None:
    """Add the presets of both to sources.toml, unless its sources read their topics already: then it is not written.

    Raises
    ------
    schemas.sources_file.BadSources
        The file has mistakes.
    """
    file = layout.settings.sources_file
    text = before = read_sources(file)
    for preset, topic in PRESETS.items():
        if text is None or parse_sources(text).route(topic) is None:
            text = with_preset(text, preset)
    if text is not None and text != before:
        atomic_write_text(file, text)


class Dialects:
    """Messages of both, as (topic, payload) for each tick.

    Parameters
    ----------
    now_ms
        A clock that gives no ms twice.
    """

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._seq = 0
        self.readings = 0
        """That the messages so far become."""

    def birth(self) -> Iterator[tuple[str, bytes]]:
        """Of the edge node, before its data: names, types and units of its metrics."""
        payload = Payload(timestamp=self._now_ms(), seq=0)
        payload.metrics.add(name="bdSeq", datatype=INT64, long_value=0)
        payload.metrics.add(name="Node Control/Rebirth", datatype=BOOLEAN, boolean_value=False)
        for (name, alias), unit in zip(ALIASES.items(), ("L/s", "bar"), strict=True):
            metric = payload.metrics.add(name=name, alias=alias, datatype=DOUBLE, double_value=0.0)
            metric.properties.keys.append("engUnit")
            metric.properties.values.add(string_value=unit)
        self.readings += 1 + len(ALIASES)  # and $online
        yield f"spBv1.0/{GROUP}/NBIRTH/{NODE}", payload.SerializeToString()

    def at(self, tick: int, flow: float) -> Iterator[tuple[str, bytes]]:
        """Of one tick, at which the water main measures `flow` in litres a second."""
        if tick % ZIGBEE_EVERY == 3:
            state = {"temperature": round(8 + flow / 50, 2), "humidity": 71.5, "battery": 93, "linkquality": 120}
            self.readings += len(state)
            yield ZIGBEE_TOPIC, json.dumps(state).encode()
        if tick % SPARKPLUG_EVERY == 4:
            yield self._data({"Inlet/Flow": flow, "Inlet/Pressure": 4 + flow / 100})

    def _data(self, values: Mapping[str, float]) -> tuple[str, bytes]:
        self._seq = (self._seq + 1) % 256
        payload = Payload(timestamp=self._now_ms(), seq=self._seq)
        for name, value in values.items():
            payload.metrics.add(alias=ALIASES[name], double_value=value)
        self.readings += len(values)
        return f"spBv1.0/{GROUP}/NDATA/{NODE}", payload.SerializeToString()
