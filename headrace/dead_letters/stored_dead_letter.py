"""One dead letter as the topic keeps it, and the identifier that a person types."""

import re
from dataclasses import dataclass
from typing import Any, Self

from pydantic import ValidationError

from headrace.dead_letters.errors import NoSuchDeadLetter
from schemas.dead_letter import DeadLetter

UNREADABLE = "unreadable"
"""Stands where the reason of a dead letter stands, for a record that is no dead letter."""


@dataclass(frozen=True, order=True)
class DeadLetterId:
    """Partition and offset in dead-letters: never given twice, and the same for everybody.

    >>> str(DeadLetterId.parse("2:1734"))
    '2:1734'
    """

    partition: int
    offset: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """The identifier that a person typed.

        Raises
        ------
        NoSuchDeadLetter
            When `text` does not have this form.
        """
        found = re.fullmatch(r"(\d{1,9}):(\d{1,18})", text.strip())
        if found is None:
            raise NoSuchDeadLetter(
                f"{text!r} is not the id of a dead letter: write partition:offset, such as 2:1734. See: headrace dlq ls"
            )
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.partition}:{self.offset}"


@dataclass(frozen=True)
class StoredDeadLetter:
    """A record of dead-letters: a dead letter, or what stands there instead of one and why it cannot be read."""

    id: DeadLetterId
    time_ms: int
    """When it became a dead letter: the broker's time, which grows with the offset."""
    dead_letter: DeadLetter | None
    unreadable: str | None = None
    value: bytes = b""
    """The record as it stands; kept only where it cannot be read."""

    @classmethod
    def of(cls, record: Any) -> Self:
        """Of a record of kafka-python."""
        id_ = DeadLetterId(record.partition, record.offset)
        value = record.value or b""
        try:
            return cls(id_, record.timestamp, DeadLetter.model_validate_json(value))
        except ValidationError as error:
            return cls(id_, record.timestamp, None, _first(error), value)

    @property
    def reason(self) -> str:
        return self.dead_letter.reason.value if self.dead_letter else UNREADABLE

    @property
    def stage(self) -> str:
        return self.dead_letter.stage if self.dead_letter else ""

    @property
    def device(self) -> str | None:
        return self.dead_letter.device if self.dead_letter else None

    @property
    def payload(self) -> bytes:
        """The bytes that were refused."""
        return (self.dead_letter.original or b"") if self.dead_letter else self.value


def _first(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, problem["loc"]))
    return f"{where}: {problem['msg']}" if where else problem["msg"]
