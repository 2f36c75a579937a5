"""What can go wrong in a drill, beside what it looks for.

DrillError
├── FlinkUnavailable         the JobManager does not answer, or refuses
├── SavepointFailed   Flink could not take a savepoint
├── NotPrepared       the drill could not break what it wanted to break
└── NotOurs           the folder holds something that drills did not make
"""

from schemas.errors import HeadraceError


class DrillError(HeadraceError):
    """Of the drills."""


class FlinkUnavailable(DrillError):
    """The JobManager does not answer, or refuses."""


class SavepointFailed(DrillError):
    """Flink could not take a savepoint; the message has its reason."""


class NotPrepared(DrillError):
    """The drill could not break what it wanted to break."""


class NotOurs(DrillError):
    """The folder holds a stack that drills did not make."""
