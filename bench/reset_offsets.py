"""Where jobs begin to read: without offsets of an earlier round at the beginning of their topics."""

from collections.abc import Mapping
from contextlib import closing

from kafka import TopicPartition
from kafka.structs import OffsetAndMetadata

from connectors.kafka.clients import admin_client, consumer
from stack.layout import Layout


def reset_offsets(layout: Layout, *groups: str) -> None:
    """Delete those of the consumer groups that there are."""
    with admin_client(layout.endpoints.kafka) as admin:
        known = {each["group_id"] for each in admin.list_groups()}
        if wanted := [group for group in groups if group in known]:
            admin.delete_groups(wanted)


def start_at(layout: Layout, group: str, offsets: Mapping[TopicPartition, int]) -> None:
    """What the consumer group has not read begins there."""
    with closing(consumer(layout.endpoints.kafka, group=group)) as client:
        client.assign(list(offsets))
        client.commit({partition: OffsetAndMetadata(offset, "", -1) for partition, offset in offsets.items()})
