"""The row that a store refused, made again from the record in its dead letter.

What a store refuses stands in a topic that windows, models and the other store have read already: sent there again it
would be counted twice. So a replay goes to the store alone, whose writes overwrite.
"""

from connectors.influxdb.points import point
from connectors.redis.device_state import Update
from connectors.redis.updates import update
from schemas.dead_letter import DeadLetter

INFLUXDB, REDIS = "InfluxDB", "Redis"
STORES = {"store_influxdb": INFLUXDB, "store_redis": REDIS}
"""Stage -> the store that it writes."""


def row(dead_letter: DeadLetter) -> tuple[str, str | Update]:
    """The store and its row.

    Raises
    ------
    UnreadableRecord
        Where the record gives none.
    """
    store = STORES[dead_letter.stage]
    topic = dead_letter.position.topic if dead_letter.position else "no topic"
    return store, (point if store == INFLUXDB else update)(topic, dead_letter.original)
