"""The bridge's counters, read when Prometheus asks: counting costs the hot path one addition."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from connectors.mqtt_bridge.status import Status


class BridgeCollector(Collector):
    """Reads a Status. Counters start at 0 with the process and are no proof of anything: `headrace balance` is."""

    def __init__(self, status: Status) -> None:
        self._status = status

    def collect(self) -> Iterator[Metric]:
        session, bridge = self._status.session, self._status.bridge
        yield _counter("connections", "Connections made to the MQTT broker.", session.connections if session else 0)
        taken_over = session.taken_over if session else 0
        yield _counter("taken_over", "Times that the MQTT broker named another client with our client id.", taken_over)
        if self._status.record is not None:
            lost, rivals = self._status.record.sessions_lost, self._status.record.rivals
            yield _counter("sessions_lost", "Sessions that the MQTT broker did not have any more.", lost)
            yield _counter("rivals", "Times that another bridge with our client id had the session.", rivals)
        yield _gauge("ready", "1 if connected, subscribed and Kafka takes records.", not self._status.not_ready())
        if bridge is None:
            return
        yield _counter("received", "MQTT messages taken, those sent again included.", bridge.received)
        yield _counter("acknowledged", "PUBACKs sent, each after Kafka had stored its record.", bridge.acknowledged)
        yield _gauge("in_flight", "Messages that wait for Kafka.", bridge.in_flight)
        yield _gauge("in_flight_bytes", "Bytes of these.", bridge.bytes_in_flight)
        yield _gauge("stalled_seconds", "How long Kafka has stored nothing while something waits.", bridge.stalled_s)
        yield _counter("copies", "Messages that another subscription delivered too.", bridge.copies)
        yield _counter("ignored", "Messages on topics that a source ignores.", bridge.ignored)
        yield _counter("held", "Messages that waited, because their device was ahead of the clock.", bridge.held)
        yield _counter("clock_set_back", "Times that this host's clock went back by over 1 s.", bridge.clock_set_back)
        dead_letters = CounterMetricFamily("headrace_bridge_dead_letters", "Messages refused.", labels=["reason"])
        for reason, count in bridge.dead_letters.copy().items():
            dead_letters.add_metric([reason], count)
        yield dead_letters


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"headrace_bridge_{name}", text, value=value)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"headrace_bridge_{name}", text, value=value)
