"""What kind of change an alert is: a closed list, with the code that stands for each in columns of numbers."""

from enum import IntEnum


class AnomalyKind(IntEnum):
    """Kinds of an alert. Codes are kept in state and never given to another kind.

    Examples
    --------
    >>> AnomalyKind(2).label
    'level'
    """

    NONE = 0
    """No alert."""
    SPIKE = 1
    """The value itself is unlike any that the series had."""
    LEVEL = 2
    """The mean has moved."""
    VARIANCE = 3
    """The series is noisier or calmer than it was."""
    SHAPE = 4
    """The values are usual, their sequence is not."""
    STUCK = 5
    """One value is repeated for longer than ever."""
    DRIFT = 6
    """The value has gone away from its slow mean."""
    MISSING = 7
    """The series sends nothing, for longer than it ever does."""

    @property
    def label(self) -> str:
        """The name in records and messages."""
        return self.name.lower()
