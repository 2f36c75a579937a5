"""Change capture: tables of PostgreSQL as compacted Kafka topics, by Debezium on Kafka Connect.

`tables.py` says what is captured, `database.py` prepares PostgreSQL, `connector.py` speaks to Connect. `inspection.py`
finds what keeps changes from being captured, `repair.py` repairs it, `rereads.py` has rows read again and proves that
they were, `reconciliation.py` ends rows that are gone.

Errors: schemas/errors.py draws the tree.
"""

from schemas.errors import HeadraceError, TerminalError, TransientError


class CaptureError(HeadraceError):
    """Base of what this package raises; transient or terminal by class."""


class DatabaseUnavailable(CaptureError, TransientError):
    """Raised where PostgreSQL does not answer. Transient: it may answer later."""

    next_step = "Start what does not run:  headrace up --with postgres,connect"


class DatabaseRefuses(CaptureError, TerminalError):
    """Raised where PostgreSQL refuses a statement: a right is missing, a lock is held, or an object is not as expected.

    Terminal: the database has to be changed.
    """


class SlotInUse(CaptureError, TerminalError):
    """Raised where a connector reads the replication slot that is to be removed. Terminal: it has to be stopped."""


class ConnectUnavailable(CaptureError, TransientError):
    """Raised where Kafka Connect does not answer. Transient: it may answer later."""

    next_step = "Start what does not run:  headrace up --with postgres,connect"


class ConnectorRefused(CaptureError, TerminalError):
    """Raised where Kafka Connect refuses the connector's configuration. Terminal: it has to be changed."""


class NotCaughtUp(CaptureError, TransientError):
    """Raised where the connector has not read all changes up to now in time. Transient: it reads on."""


class RowsNotRead(CaptureError, TerminalError):
    """Raised where Debezium did not read the rows that it was asked to read again; the message says how that ended.

    Terminal: the reason has to be removed first.
    """
