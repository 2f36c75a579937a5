"""The bridge from MQTT to Kafka: a message is acknowledged to the MQTT broker only after Kafka has stored it.

`python -m connectors.mqtt_bridge` runs one; settings.py lists its variables. Read bridge.py first: message to
record to acknowledgement. session.py is who we are to the MQTT broker, session_record.py what outlives the process,
loop.py owns the sockets, and acknowledgements.py keeps the order that MQTT asks for.

Memory is bounded: at most `max_inflight` messages, and at most `max_inflight * max_payload_bytes` of them
(1000 x 256 KiB = 250 MiB at worst), wait for Kafka, whatever their quality of service and through however many
reconnects. Beyond that the bridge does not read: what waits is with the broker, and TCP slows it down. One message
above that is being received. MQTT allows 256 MiB for it: Mosquitto's `max_packet_size` disconnects who publishes more
than its own. Never set MQTT's Maximum Packet Size here: the broker then drops messages without a word.
"""
