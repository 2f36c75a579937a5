"""What is captured: each table's rows go to the topic of its name, keyed by one column."""

from dataclasses import dataclass

from schemas.topics import CUSTOMERS, DEVICES, Topic

SCHEMA = "public"


@dataclass(frozen=True)
class CapturedTable:
    """A table whose primary key is one column of text, which becomes the key of its topic."""

    topic: Topic

    @property
    def name(self) -> str:
        return self.topic.name

    @property
    def key(self) -> str:
        return self.topic.key

    @property
    def qualified(self) -> str:
        return f"{SCHEMA}.{self.name}"


CUSTOMERS_TABLE = CapturedTable(CUSTOMERS)
CAPTURED = (CUSTOMERS_TABLE, CapturedTable(DEVICES))
HEARTBEAT = "headrace_heartbeat"
"""One row that is touched again and again: with only quiet tables captured, the slot would else hold back the log of
all the others, until the database's disk is full."""

SIGNALS = "headrace_signals"
"""What the connector is told by the way that changes take: see `database.read_again`."""

ALSO_PUBLISHED = (HEARTBEAT, SIGNALS)
