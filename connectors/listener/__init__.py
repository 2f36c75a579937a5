"""The listener: devices that only publish, straight into telemetry.raw over MQTT 3.1.1, MQTT 5, HTTP or WebSocket.

`python -m connectors.listener` runs one; settings.py lists its variables. Read record_intake.py first: payload to
record. connections.py keeps what is unconfirmed, in order, within a bound; mqtt_connection.py, http_connection.py and
websocket_connection.py are the three protocols; mqtt_packets.py is the form of MQTT's packets.

A payload is acknowledged (PUBACK, status 204, acknowledgement message) only after Kafka has stored its record with
acks=all. There is no queue and no session: what is not acknowledged is still with its device. While Kafka is away the
process lives on and reads until `max_waiting_bytes` wait; then TCP holds the devices.
"""
