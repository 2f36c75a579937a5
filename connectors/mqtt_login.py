"""How a client of ours presents itself to the MQTT broker: user, password, TLS. The bridge, `publish` and `balance`."""

from pathlib import Path

from paho.mqtt.client import Client

from connectors.endpoints import Endpoints
from schemas.errors import TerminalError


class UnusableCertificates(TerminalError):
    """Raised where HEADRACE_MQTT_CA_FILE names no file with certificates. Terminal: the setting has to be changed."""


def log_in(client: Client, endpoints: Endpoints) -> None:
    """Prepare a client that has not connected yet. Raises UnusableCertificates."""
    if endpoints.mqtt_user is not None:
        password = endpoints.mqtt_password
        client.username_pw_set(endpoints.mqtt_user, password.get_secret_value() if password else None)
    if endpoints.mqtt_tls or endpoints.mqtt_ca_file is not None:
        _use_tls(client, endpoints.mqtt_ca_file)


def _use_tls(client: Client, ca_file: Path | None) -> None:
    try:
        client.tls_set(ca_certs=None if ca_file is None else str(ca_file))
    except OSError as error:  # ssl.SSLError is one
        raise UnusableCertificates(
            f"no certificates can be read from {ca_file} ({error}): name a PEM file in HEADRACE_MQTT_CA_FILE"
        ) from error
