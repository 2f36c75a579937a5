"""What stored data tell of people, and so how long they may be kept (docs/how-to/privacy.md)."""

from enum import StrEnum


class Personal(StrEnum):
    """How a topic or a key of Redis names people."""

    NO = "no"
    PSEUDONYM = "by pseudonym"
    """Who it was can be told only with the key, and of a forgotten user by nobody."""
    NAMED = "by name"
    """The id of the customers' table, or what else the company's database has."""
