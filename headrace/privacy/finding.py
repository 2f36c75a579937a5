"""What was found of a user in one place, after everything was removed that can be."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """`stays` says that something is left that no time will take away; `result` what it is, and what to do."""

    place: str
    result: str
    stays: bool = False
