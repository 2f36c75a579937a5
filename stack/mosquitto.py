"""Mosquitto: the MQTT broker that devices publish to."""

import os
import socket
from pathlib import Path

from connectors.atomic_write import atomic_write_text
from connectors.endpoints import LOOPBACK, MQTT_PORT
from stack import programs
from stack.server import NotYet, Server

CONFIGURATION = """\
{user}listener {port} {host}
allow_anonymous true

# What the broker acknowledged and the bridge has not fetched must outlive the broker. It is written after this
# many changes: fewer lose less in a crash, and cost a whole rewrite of the file each.
persistence true
persistence_location {folder}/
autosave_on_changes true
autosave_interval 100

# The default drops beyond 1,000 messages of a queue, silently. Bounded here so that one client's queue takes neither
# all memory nor the others' share; what is dropped is counted under $SYS, which `headrace status` shows.
max_queued_messages 2000000
max_queued_bytes 1073741824
# As many as the bridge takes before it acknowledges (MQTT 5 Receive Maximum).
max_inflight_messages 1000
# A client that sends a larger packet is disconnected with a reason. Payloads over 256 KiB become dead letters before
# that. message_size_limit would drop what MQTT 3.1.1 clients send, and acknowledge it.
max_packet_size 1048576
# Each takes a file descriptor.
max_connections 5000
# Sessions of clients that never come back, other than those that name an expiry themselves (MQTT 5).
persistent_client_expiration 7d
sys_interval 5

log_dest stderr
log_type error
log_type warning
log_type notice
log_timestamp_format %Y-%m-%dT%H:%M:%S
"""
# MQTT 3.1.1 CONNECT, clean session, empty client identifier; CONNACK with return code 0 (specification 3.1, 3.2).
CONNECT = b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x05\x00\x00"
CONNACK = b"\x20\x02\x00\x00"


class Mosquitto(Server):
    """Anonymous on the loopback interface: it has no passwords and no access lists."""

    name = "mosquitto"
    standard_ports = (MQTT_PORT,)
    ready_within_s = 60

    def configure(self) -> None:
        text = CONFIGURATION.format(
            # As root it would step down to the user mosquitto, who may not write here.
            user="user root\n" if os.getuid() == 0 else "",
            host=LOOPBACK,
            port=self.layout.port(MQTT_PORT),
            folder=self.layout.folder("mosquitto"),
        )
        atomic_write_text(self._configuration, text)

    def command(self) -> list[str]:
        return [str(programs.find("mosquitto")), "-c", str(self._configuration)]

    def check(self) -> None:
        with socket.create_connection((LOOPBACK, self.layout.port(MQTT_PORT)), timeout=2) as connection:
            connection.sendall(CONNECT)
            answer = connection.recv(4)
        if answer != CONNACK:
            raise NotYet(f"it answers CONNECT with {answer.hex() or 'nothing'}")

    @property
    def _configuration(self) -> Path:
        return self.layout.home / "mosquitto" / "mosquitto.conf"
