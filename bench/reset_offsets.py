"""Jobs that begin anew: without offsets of an earlier round they read their topics from the beginning."""

from kafka.admin import KafkaAdminClient

from stack.layout import Layout


def forget_offsets(layout: Layout, *groups: str) -> None:
    """Delete those of the consumer groups that there are."""
    admin = KafkaAdminClient(bootstrap_servers=layout.endpoints.kafka)
    known = {each["group_id"] for each in admin.list_groups()}
    if wanted := [group for group in groups if group in known]:
        admin.delete_groups(wanted)
    admin.close()
