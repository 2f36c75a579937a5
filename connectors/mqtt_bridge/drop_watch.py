"""Watches what the MQTT broker says it has dropped, on a connection of its own.

Mosquitto publishes a figure under $SYS when it changes, and lets it expire after 60 s: who asks later gets nothing.
So one must be connected all the time, and the bridge is. The connection is not the session's: that one is kept by
the broker, with what it is subscribed to, and a broker that disconnects who reads $SYS would end it each time.
"""

import logging
import threading
from typing import Any

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from connectors.endpoints import Endpoints
from connectors.mqtt_bridge.drop_count import DropCount
from connectors.mqtt_bridge.session import REFUSED_FOR_GOOD
from connectors.mqtt_broker_figures import DROPPED, figure
from connectors.mqtt_login import log_in

log = logging.getLogger(__name__)

RETRY_S = 2.0
"""Well below the 60 s after which Mosquitto's figures expire."""
STOPS_WITHIN_S = 10.0
MAX_UNANSWERED = 3
"""Connections in succession that the broker ended in answer to the subscription, as AWS IoT does."""


class DropWatch:
    """Subscribed as long as the broker allows it. That it does not is logged once, and leaves the count unknown."""

    def __init__(self, endpoints: Endpoints, count: DropCount, keepalive_s: int = 30) -> None:
        self._count = count
        self._unanswered = 0
        self._is_asking = False
        self._thread: threading.Thread | None = None
        self.given_up = False
        """The broker does not let us read the figure."""
        self._ended = threading.Event()
        client = self._client = Client(
            CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5, reconnect_on_failure=False
        )
        client.on_connect, client.on_subscribe = self._on_connect, self._on_subscribe
        client.on_message, client.on_disconnect = self._on_message, self._on_disconnect
        log_in(client, endpoints)
        client.connect_async(endpoints.mqtt_host, endpoints.mqtt_port, keepalive=keepalive_s)

    def start(self) -> None:
        """On a thread of its own, through all reconnects, until `stop` or until it gives up."""
        self._thread = threading.Thread(target=self._run, name="mqtt.drops", daemon=True)
        self._thread.start()

    @property
    def runs(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def stop(self) -> None:
        self._ended.set()
        self._client.disconnect()
        if self._thread is not None:
            self._thread.join(STOPS_WITHIN_S)

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self._client.reconnect()
                self._client.loop_forever()
            except OSError as error:
                log.debug("The MQTT broker does not answer: %s.", error)  # the session's connection warns of it
            self._ended.wait(RETRY_S)

    def _on_connect(self, client: Client, userdata: Any, flags: Any, reason_code: Any, properties: Any) -> None:
        if not reason_code.is_failure:
            self._is_asking = True
            client.subscribe(DROPPED)
        elif reason_code.value in REFUSED_FOR_GOOD:
            self._give_up(f"it refuses a second connection ({reason_code})")

    def _on_subscribe(self, client: Client, userdata: Any, mid: int, reason_codes: Any, properties: Any) -> None:
        self._is_asking, self._unanswered = False, 0
        refused = [code for code in reason_codes if code.is_failure]
        if refused:
            self._give_up(f"it refuses the subscription ({refused[0]}); allow it in the broker's access list")

    def _on_message(self, client: Client, userdata: Any, message: Any) -> None:
        counter = figure(message.payload)
        if counter is not None:
            self._count.seen(counter)

    def _on_disconnect(self, client: Client, userdata: Any, flags: Any, reason_code: Any, properties: Any) -> None:
        if not self._is_asking:
            return
        self._is_asking = False
        self._unanswered += 1
        if self._unanswered >= MAX_UNANSWERED:
            self._give_up("it ends the connection in answer to the subscription")

    def _give_up(self, why: str) -> None:
        if self.given_up:
            return
        self.given_up = True
        log.warning("How many messages the MQTT broker drops is unknown: %s. Topic: %s.", why, DROPPED)
        self._ended.set()
        self._client.disconnect()
