"""InfluxDB on another port, for the length of a drill."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from connectors import http_clients
from connectors.endpoints import INFLUXDB_PORT, LOOPBACK
from drills.context import Context
from headrace.polling import wait_until
from stack import orphans
from stack.influxdb import InfluxDB

STARTED_WITHIN_S = 60.0
STOPPED_WITHIN_S = 30.0


@contextmanager
def on_another_port(context: Context) -> Iterator[str]:
    """InfluxDB with the same data on the next port; gives its URL. The usual port is free meanwhile."""
    layout = context.environment.layout
    usual, other = layout.port(INFLUXDB_PORT), layout.port(INFLUXDB_PORT) + 1
    url = f"http://{LOOPBACK}:{other}"
    command = [part.replace(f":{usual}", f":{other}") for part in InfluxDB(layout).command()]
    context.stop("influxdb")
    environment = layout.environment() | {orphans.MARK: "influxdb"}
    with layout.log("influxdb").open("a") as log:
        moved = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        wait_until("InfluxDB on another port", lambda: _is_healthy(url), STARTED_WITHIN_S)
        yield url
    finally:
        moved.terminate()
        try:
            moved.wait(STOPPED_WITHIN_S)
        finally:
            moved.kill()
        context.start("influxdb")


def _is_healthy(url: str) -> bool:
    try:
        return http_clients.get(f"{url}/health", timeout_s=2).is_success
    except http_clients.HttpUnavailable:
        return False
