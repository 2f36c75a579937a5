"""A shop for the demo of recommendations: series of items, and people who go on in a series more often than not."""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from schemas.experiment import CONTROL, TREATMENT, Experiment

SERIES, LENGTH = 20, 10
GOES_ON = 0.7
"""How often somebody takes the next of their series, and not anything."""
RUNS = 0.6
"""Of the items that are anything: how much more the first series are taken than the last."""


def item(series: int, number: int) -> str:
    """The name of an item.

    >>> item(3, 1)
    'series-03-part-2'
    """
    return f"series-{series:02}-part-{number + 1}"


class Person:
    """Somebody who takes items, and what they want next."""

    def __init__(self, name: str, draw: random.Random) -> None:
        self.name = name
        self._draw = draw
        self._begin()

    def take(self) -> str:
        """What they want; they then want the next."""
        taken = self.wants
        if self._number + 1 < LENGTH and self._draw.random() < GOES_ON:
            self._number += 1
        else:
            self._begin()
        return taken

    @property
    def wants(self) -> str:
        return item(self._series, self._number)

    def clicks(self, shown: Sequence[str]) -> str | None:
        """An item of the list: what they want if it is there, else now and then the first."""
        if self.wants in shown:
            return self.wants
        return shown[0] if shown and self._draw.random() < 0.02 else None

    def _begin(self) -> None:
        weights = [RUNS ** (series / 4) for series in range(SERIES)]
        (self._series,) = self._draw.choices(range(SERIES), weights)
        self._number = self._draw.randrange(LENGTH)


def histories(people: Sequence[Person], each: int, began_ms: int, step_ms: int) -> Iterator[dict[str, object]]:
    """Interactions as they are posted: everybody in turn, `step_ms` apart."""
    for turn in range(each):
        for number, person in enumerate(people):
            time_ms = began_ms + (turn * len(people) + number) * step_ms
            yield {"user": person.name, "item": person.take(), "action": "view", "event_time": time_ms}


def names_of_both_arms(
    experiment: Experiment, names: Iterable[str], many: int, pseudonym_of: Callable[[str], str]
) -> list[str]:
    """The first `many` of the names of which either arm has half, in their order.

    As they come, users are split by chance: one demo of a hundred would end with a mismatched sample ratio.
    """
    room = dict.fromkeys((CONTROL, TREATMENT), many // 2)

    def has_room(name: str) -> bool:
        arm = experiment.arm_of(pseudonym_of(name))
        if arm is None or not room[arm]:
            return False
        room[arm] -= 1
        return True

    return list(islice(filter(has_room, names), sum(room.values())))
