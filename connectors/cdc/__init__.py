"""Change capture: tables of PostgreSQL as compacted Kafka topics, by Debezium on Kafka Connect.

`tables.py` says what is captured, `database.py` prepares PostgreSQL, `connector.py` speaks to Connect.

CaptureError
├── DatabaseAway      transient: PostgreSQL does not answer
├── SlotInUse         a connector reads the slot that is to be removed
├── ConnectAway       transient: Connect does not answer, or is busy with itself
└── ConnectorRefused  Connect will not run the connector; the message says why
"""


class CaptureError(Exception):
    """Of this folder."""


class DatabaseAway(CaptureError):
    """PostgreSQL does not answer. Trying again later may help."""


class SlotInUse(CaptureError):
    """A connector reads the replication slot."""


class ConnectAway(CaptureError):
    """Kafka Connect does not answer. Trying again later may help."""


class ConnectorRefused(CaptureError):
    """The connector's configuration is not taken."""
