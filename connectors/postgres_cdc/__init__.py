"""Change capture: tables of PostgreSQL as compacted Kafka topics, by Debezium on Kafka Connect.

`tables.py` says what is captured, `database.py` prepares PostgreSQL, `connector.py` speaks to Connect. `inspection.py`
finds what keeps changes from being captured, `repair.py` repairs it, `rereads.py` has rows read again and proves that
they were, `reconciliation.py` ends rows that are gone.

CaptureError
├── DatabaseUnavailable      transient: PostgreSQL does not answer
├── DatabaseRefuses   PostgreSQL does not do what is asked; the message says why
├── SlotInUse         a connector reads the slot that is to be removed
├── ConnectUnavailable       transient: Connect does not answer, or is busy with itself
├── ConnectorRefused  Connect will not run the connector; the message says why
├── NotCaughtUp       transient: the connector has not read up to now yet
└── RowsNotRead       Debezium did not read the rows that it was asked to read again
"""


class CaptureError(Exception):
    """Of this folder."""


class DatabaseUnavailable(CaptureError):
    """PostgreSQL does not answer. Trying again later may help."""


class DatabaseRefuses(CaptureError):
    """PostgreSQL refuses a statement: a right is missing, a lock is held, or an object is not as it should be."""


class SlotInUse(CaptureError):
    """A connector reads the replication slot."""


class ConnectUnavailable(CaptureError):
    """Kafka Connect does not answer. Trying again later may help."""


class ConnectorRefused(CaptureError):
    """The connector's configuration is not taken."""


class NotCaughtUp(CaptureError):
    """The connector has not read all changes up to now. Trying again later may help."""


class RowsNotRead(CaptureError):
    """Debezium did not read the rows that it was asked to read again; the message says how that ended."""
