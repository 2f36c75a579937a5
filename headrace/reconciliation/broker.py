"""What the MQTT broker says it dropped: its own counter under $SYS, part of the balance."""

import threading

import paho.mqtt.client as mqtt

from connectors.endpoints import Endpoints

DROPPED = "$SYS/broker/publish/messages/dropped"
"""Retained, but only once something was dropped: a broker that dropped nothing says nothing."""

VERSION = "$SYS/broker/version"
"""Always retained. Subscribed after the counter, its message ends the wait for the counter's."""

WITHIN_S = 10.0


def dropped_messages(endpoints: Endpoints) -> int:
    """Messages dropped since the broker started.

    Raises
    ------
    TimeoutError
        When it answers nothing.
    """
    answered = threading.Event()
    counted = [0]

    def on_connect(client: mqtt.Client, *_: object) -> None:
        client.subscribe(DROPPED)
        client.subscribe(VERSION)

    def on_message(_client: mqtt.Client, _userdata: object, message: mqtt.MQTTMessage) -> None:
        if message.topic == VERSION:
            answered.set()
        else:
            counted.append(int(message.payload))

    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.on_connect, client.on_message = on_connect, on_message
    client.connect(endpoints.mqtt_host, endpoints.mqtt_port)
    client.loop_start()
    try:
        if not answered.wait(WITHIN_S):
            raise TimeoutError(f"the MQTT broker published no {VERSION} within {WITHIN_S} s")
        return counted[-1]
    finally:
        client.disconnect()
        client.loop_stop()
