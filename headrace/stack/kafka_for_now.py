"""Temporary: until connectors/kafka.py is here."""

from kafka import KafkaAdminClient
from kafka.admin import NewTopic
from kafka.errors import KafkaError, TopicAlreadyExistsError


def ready(bootstrap):
    try:
        admin = KafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=3000)
    except KafkaError:
        return False
    try:
        admin.list_topics()
        return True
    except KafkaError:
        return False
    finally:
        admin.close()


def create_topics(bootstrap, topics):
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    have = set(admin.list_topics())
    for t in topics:
        if t.name not in have:
            try:
                admin.create_topics([NewTopic(t.name, t.partitions, 1, topic_configs=t.configs())])
            except TopicAlreadyExistsError:
                pass
    admin.close()
