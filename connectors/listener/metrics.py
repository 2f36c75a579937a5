"""The listener's counters, read when Prometheus asks: counting costs the hot path one addition."""

from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from connectors.listener.status import Status


class ListenerCollector(Collector):
    """Reads a Status. Counters start at 0 with the process and are no proof of anything: `headrace balance` is."""

    def __init__(self, status: Status) -> None:
        self._status = status

    def collect(self) -> Iterator[Metric]:
        yield _gauge("ready", "1 if devices are let in and Kafka takes records.", not self._status.not_ready())
        connections, intake, tokens = self._status.connections, self._status.intake, self._status.tokens
        if connections is None or intake is None or tokens is None:
            return
        yield _gauge("connections", "Open connections of devices.", len(connections.all))
        yield _gauge("paused_connections", "Of these, connections that are not read now.", len(connections.paused))
        yield _counters("received", "Payloads that were taken.", "protocol", connections.received)
        yield _counters(
            "stored", "Payloads that Kafka has stored; those above QoS 0 were acknowledged.", "protocol",
            connections.stored,
        )  # fmt: skip
        yield _counters("ended", "Connections and messages that were refused or ended.", "reason", connections.ended)
        yield _counters("dead_letters", "Payloads refused.", "reason", intake.dead_letters)
        yield _counter("ignored", "Payloads on topics that a source ignores.", intake.ignored)
        yield _counter("held", "Payloads that waited, because their device was ahead of the clock.", intake.held)
        yield _gauge("waiting", "Payloads that wait for Kafka.", connections.waiting)
        yield _gauge("waiting_bytes", "Bytes of these, and of what is not whole yet.", connections.waiting_bytes)
        yield _gauge("waiting_bytes_limit", "Beyond it nothing is read.", connections.settings.max_waiting_bytes)
        yield _gauge(
            "stalled_seconds", "How long Kafka has stored nothing while something waits.", connections.stalled_s
        )
        yield _gauge("devices_with_a_token", "Devices that may connect.", len(tokens))


def _counters(name: str, text: str, label: str, counts: Counter[str]) -> Metric:
    family = CounterMetricFamily(f"headrace_listener_{name}", text, labels=[label])
    for value, count in counts.copy().items():
        family.add_metric([value], count)
    return family


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"headrace_listener_{name}", text, value=value)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"headrace_listener_{name}", text, value=value)
