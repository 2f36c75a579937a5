"""What change capture has put into its topics."""

import json
from collections import defaultdict

from kafka import KafkaConsumer


def changes(stack, topic="customers"):
    """What is committed: of each key its values, in their order."""
    consumer = KafkaConsumer(
        topic,
        bootstrap_servers=stack.endpoints.kafka,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        consumer_timeout_ms=2000,
    )
    found = defaultdict(list)
    for record in consumer:
        found[record.key.decode()].append(json.loads(record.value) if record.value else None)
    consumer.close()
    return found


def rows(stack, topic, key):
    """The values of a key, without what Debezium adds; None for a tombstone."""
    return [
        value and {name: each for name, each in value.items() if not name.startswith("__")}
        for value in changes(stack, topic)[key]
    ]
