"""A loop over confluent-kafka: models in memory, a snapshot with its offsets every 5 s, at least once.

python confluent_kafka_loop.py BOOTSTRAP INPUT OUTPUT DETECTOR FOLDER PARTITIONS
"""

import sys
import time
from pathlib import Path

import orjson
import snapshot
from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition
from river_models import SNAPSHOT_EVERY_S, make, score_and_learn


def main() -> None:
    bootstrap, source, target, detector, state, partitions = sys.argv[1:]
    folder = Path(state)
    models, offsets = snapshot.load(folder)
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": target, "enable.auto.commit": False})
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 5})
    consumer.assign([TopicPartition(source, n, offsets.get(n, OFFSET_BEGINNING)) for n in range(int(partitions))])
    saved_at = time.monotonic()
    while True:
        for message in consumer.consume(1000, 0.01):
            if message.error():
                raise SystemExit(str(message.error()))
            reading = orjson.loads(message.value())
            key = message.key()
            model = models.get(key)
            if model is None:
                model = models[key] = make(detector)
            reading["score"] = score_and_learn(model, reading["value"])
            send(producer, target, key, orjson.dumps(reading))
            offsets[message.partition()] = message.offset() + 1
        producer.poll(0)
        if time.monotonic() - saved_at > SNAPSHOT_EVERY_S:
            producer.flush()
            snapshot.save(folder, models, offsets)
            saved_at = time.monotonic()


def send(producer: Producer, topic: str, key: bytes, value: bytes) -> None:
    """Waits while the producer's queue is full."""
    while True:
        try:
            producer.produce(topic, value, key)
        except BufferError:
            producer.poll(0.1)
        else:
            return


if __name__ == "__main__":
    main()
