"""Tables that are captured, and what change capture has put into their topics."""

import json
from collections import defaultdict

from connectors.kafka.scan import scan
from connectors.postgres_cdc import database
from schemas.topics import CUSTOMERS


def emptied(stack):
    """The stack, its table of customers made anew: without the rows and columns of other modules."""
    with database.connection(stack.layout.capture) as connection:
        connection.execute("DROP TABLE customers")
        connection.execute("CREATE TABLE customers (customer_id text PRIMARY KEY)")
    stack.headrace("cdc", "repair")
    return stack


def changes(stack, topic=CUSTOMERS):
    """What is committed: of each key its values, in their order."""
    found = defaultdict(list)
    for record in scan(stack.endpoints.kafka, topic):
        found[record.key.decode()].append(json.loads(record.value) if record.value else None)
    return found


def rows(stack, topic, key):
    """The values of a key, without what Debezium adds; None for a tombstone."""
    of_the_key = (each.value for each in scan(stack.endpoints.kafka, topic) if each.key == key.encode())
    return [
        {name: each for name, each in json.loads(value).items() if not name.startswith("__")} if value else None
        for value in of_the_key
    ]
