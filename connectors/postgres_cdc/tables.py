"""What is captured: each table's rows go to the topic of its name, keyed by one column."""

from dataclasses import dataclass

from schemas.topics import CUSTOMERS, DEVICES, Topic

SCHEMA = "public"


@dataclass(frozen=True)
class CapturedTable:
    """A table with a column of text that names a row, which becomes the key of its topic.

    Parameters
    ----------
    columns
        With which the table is made where there is none. A company's own has more: every column is captured, and one
        that is added later is in the next changes of its rows.
    """

    topic: Topic
    columns: str

    @property
    def name(self) -> str:
        return self.topic.name

    @property
    def key(self) -> str:
        return self.topic.key

    @property
    def qualified(self) -> str:
        return f"{SCHEMA}.{self.name}"


CUSTOMERS_TABLE = CapturedTable(CUSTOMERS, "customer_id text PRIMARY KEY")
CAPTURED = (
    CUSTOMERS_TABLE,
    CapturedTable(DEVICES, "device text PRIMARY KEY, site text, model text, owner text"),
)
HEARTBEAT = "headrace_heartbeat"
"""One row that is touched again and again, and the topic that its changes arrive in: that they do is the proof that
changes are captured. With only quiet tables captured, the slot would else hold back the log of all the others, until
the database's disk is full."""

SIGNALS = "headrace_signals"
"""What the connector is asked by the way that changes take: see `rereads.read_again`."""

NOTIFICATIONS = "headrace_notifications"
"""The topic in which Debezium reports how its snapshots go."""

ADDED_COLUMNS = ("__deleted", "__source_lsn", "__source_ts_ms")
"""Fields that a record has besides the columns of its row."""

NOTES = "headrace_captured"
"""For each captured table which one it was (a table that is dropped and made anew is another), and what of it has still
to be brought to its topic."""

ALSO_PUBLISHED = (HEARTBEAT, SIGNALS)
