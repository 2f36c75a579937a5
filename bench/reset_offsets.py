"""Where jobs begin to read: without offsets of an earlier round at the beginning of their topics."""

from collections.abc import Mapping

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.structs import OffsetAndMetadata

from stack.layout import Layout


def reset_offsets(layout: Layout, *groups: str) -> None:
    """Delete those of the consumer groups that there are."""
    admin = KafkaAdminClient(bootstrap_servers=layout.endpoints.kafka)
    known = {each["group_id"] for each in admin.list_groups()}
    if wanted := [group for group in groups if group in known]:
        admin.delete_groups(wanted)
    admin.close()


def start_at(layout: Layout, group: str, offsets: Mapping[TopicPartition, int]) -> None:
    """What the consumer group has not read begins there."""
    consumer = KafkaConsumer(bootstrap_servers=layout.endpoints.kafka, group_id=group)
    consumer.assign(list(offsets))
    consumer.commit({partition: OffsetAndMetadata(offset, "", -1) for partition, offset in offsets.items()})
    consumer.close()
