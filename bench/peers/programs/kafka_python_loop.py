"""A loop over kafka-python: models in memory, a snapshot with its offsets every 5 s, at least once.

python kafka_python_loop.py BOOTSTRAP INPUT OUTPUT DETECTOR FOLDER PARTITIONS
"""

import sys
import time
from pathlib import Path

import orjson
import snapshot
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from river_models import SNAPSHOT_EVERY_S, make, score_and_learn

MAX_UNCONFIRMED = 50_000
"""The client bounds nothing by itself."""


def main() -> None:
    bootstrap, source, target, detector, state, partitions = sys.argv[1:]
    folder = Path(state)
    models, offsets = snapshot.load(folder)
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, linger_ms=5)
    assigned = [TopicPartition(source, n) for n in range(int(partitions))]
    consumer.assign(assigned)
    for partition in assigned:
        if partition.partition in offsets:
            consumer.seek(partition, offsets[partition.partition])
        else:
            consumer.seek_to_beginning(partition)
    saved_at, sent = time.monotonic(), 0
    while True:
        for records in consumer.poll(timeout_ms=100).values():
            for record in records:
                reading = orjson.loads(record.value)
                model = models.get(record.key)
                if model is None:
                    model = models[record.key] = make(detector)
                reading["score"] = score_and_learn(model, reading["value"])
                producer.send(target, key=record.key, value=orjson.dumps(reading))
                offsets[record.partition] = record.offset + 1
                sent += 1
        if sent > MAX_UNCONFIRMED:
            producer.flush()
            sent = 0
        if time.monotonic() - saved_at > SNAPSHOT_EVERY_S:
            producer.flush()
            snapshot.save(folder, models, offsets)
            saved_at = time.monotonic()


if __name__ == "__main__":
    main()
