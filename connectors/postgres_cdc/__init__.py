"""Change capture: tables of PostgreSQL as compacted Kafka topics, by Debezium on Kafka Connect.

`tables.py` says what is captured, `database.py` prepares PostgreSQL, `connector.py` speaks to Connect. `inspection.py`
finds what keeps changes from being captured, `repair.py` repairs it, `rereads.py` has rows read again and proves that
they were, `reconciliation.py` ends rows that are gone.

Errors: schemas/errors.py draws the tree.
"""

from schemas.errors import HeadraceError, TerminalError, TransientError


class CaptureError(HeadraceError):
    """Of this folder."""


class DatabaseUnavailable(CaptureError, TransientError):
    """PostgreSQL does not answer. Trying again later may help."""

    next_step = "Start what does not run:  headrace up --with postgres,connect"


class DatabaseRefuses(CaptureError, TerminalError):
    """PostgreSQL refuses a statement: a right is missing, a lock is held, or an object is not as it should be."""


class SlotInUse(CaptureError, TerminalError):
    """A connector reads the replication slot."""


class ConnectUnavailable(CaptureError, TransientError):
    """Kafka Connect does not answer. Trying again later may help."""

    next_step = "Start what does not run:  headrace up --with postgres,connect"


class ConnectorRefused(CaptureError, TerminalError):
    """The connector's configuration is not taken."""


class NotCaughtUp(CaptureError, TransientError):
    """The connector has not read all changes up to now. Trying again later may help."""


class RowsNotRead(CaptureError, TerminalError):
    """Debezium did not read the rows that it was asked to read again; the message says how that ended."""
