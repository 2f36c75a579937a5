"""`headrace endpoints`: where everything is, and with which credentials."""

import json
from typing import TYPE_CHECKING, Any

from headrace.cli.options import AsJson, Home, PortOffset

if TYPE_CHECKING:
    from connectors.endpoints import Endpoints
    from stack.layout import Layout


def endpoints(home: Home = None, port_offset: PortOffset = None, as_json: AsJson = False) -> None:
    """Print the addresses and credentials of the stack.

    Passwords and tokens are printed in clear text: for your programs, not for a log.

    Example: `redis-cli -u "$(headrace endpoints --json | jq -r .redis)"`
    """
    from stack.layout import Layout

    layout = Layout.of(home, port_offset)
    found = addresses(layout.endpoints)
    if "postgres" in layout.extras:
        found |= {"postgres": layout.capture.postgres_url, "connect": f"http://{layout.capture.connect}"}
    if "haproxy" in layout.extras:
        found |= {"serving": _serving(layout)}
    if "listener-1" in layout.extras:
        found |= {"listener": _listener(layout)}
    if as_json:
        print(json.dumps(found, indent=2))
        return
    for name, value in found.items():
        for key, text in value.items() if isinstance(value, dict) else [("", value)]:
            print(f"{name} {key}".ljust(16), text)


def _serving(layout: "Layout") -> dict[str, str]:
    from connectors.endpoints import LOOPBACK, SERVING_PORT
    from stack.secrets import SERVING_KEY, secret

    return {"url": f"http://{LOOPBACK}:{layout.port(SERVING_PORT)}", "key": secret(layout, SERVING_KEY)}


def _listener(layout: "Layout") -> dict[str, str]:
    from connectors.endpoints import LISTENER_HTTP_PORT, LISTENER_MQTT_PORT, LOOPBACK

    mqtt, http = layout.port(LISTENER_MQTT_PORT), layout.port(LISTENER_HTTP_PORT)
    return {"mqtt": f"{LOOPBACK}:{mqtt}", "http": f"http://{LOOPBACK}:{http}/telemetry/"}


def addresses(of: "Endpoints") -> dict[str, Any]:
    """The object that `--json` prints. People script against its keys."""
    token = of.influxdb_token.get_secret_value() if of.influxdb_token else None
    influxdb = {"url": of.influxdb_url, "org": of.influxdb_org, "bucket": of.influxdb_bucket, "token": token}
    return {
        "mqtt": {"host": of.mqtt_host, "port": of.mqtt_port},
        "kafka": of.kafka,
        "redis": of.redis_url,
        "influxdb": influxdb,
        "flink": f"http://{of.flink}",
    }
