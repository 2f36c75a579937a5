"""What a person is told about dead letters.

DeadLetterError (a HeadraceError)
├── DeadLettersUnavailable         no broker answers, or the topic is missing
├── NoSuchDeadLetter      the identifier is none, or its letter is gone
├── BadFilter         a filter that can match nothing, or a time that cannot be read
├── EditFailed         the change could not be made to this payload
└── ReplayFailed      sending stopped in the middle; the message says what has become of it
"""

from schemas.errors import HeadraceError


class DeadLetterError(HeadraceError):
    """Of this package."""


class DeadLettersUnavailable(DeadLetterError):
    """Kafka does not answer, or lacks the topic."""


class NoSuchDeadLetter(DeadLetterError):
    """There is no letter of this identifier."""


class BadFilter(DeadLetterError):
    """A filter that says nothing."""


class EditFailed(DeadLetterError):
    """The payload could not be changed so."""


class ReplayFailed(DeadLetterError):
    """Not all was sent."""
