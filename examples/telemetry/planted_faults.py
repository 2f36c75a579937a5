"""Faults of sensors that the demo plants into the recording, for the detectors to find."""

import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """A sensor that reports something else for a while.

    Parameters
    ----------
    what
        Completes "a sensor ...".
    metric
        Whose values it replaces.
    readings
        How many.
    report
        From the true value to what is reported.
    """

    what: str
    metric: str
    readings: int
    report: Callable[[float], float]


FAULTS = (
    Fault("whose register overflows reports 65535", "f1", 4, lambda value: 65535.0),
    Fault("that is disconnected reports -9999", "f3", 1, lambda value: -9999.0),
    Fault("that is replaced by one in thousandths", "f7", 10, lambda value: value * 1000),
)

FIRST_TICK, LAST_TICK = 950, 1150
"""By then a series has some 500 readings: younger ones are hardly known, and end before the recording does."""

EVERY_TICKS = 2
"""How often a device sends that has a fault."""

NO_FAULTS_BELOW = LAST_TICK + EVERY_TICKS * max(fault.readings for fault in FAULTS)
"""Ticks: a recording that ends earlier has no faults."""


@dataclass(frozen=True)
class PlantedFault:
    """A fault with its device and its ticks."""

    fault: Fault
    device: str
    first_tick: int

    @property
    def metric(self) -> str:
        return self.fault.metric

    @property
    def last_tick(self) -> int:
        return self.first_tick + EVERY_TICKS * self.fault.readings - 1

    def has(self, device: str, tick: int) -> bool:
        """Whether the device has the fault at this tick."""
        return device == self.device and self.first_tick <= tick <= self.last_tick


def plant(devices: Sequence[str], ticks: int, seed: int) -> tuple[PlantedFault, ...]:
    """Each fault at a device of its own, or none where the recording ends before the detectors know their series.

    A detector remembers what it has seen: another run should have another seed, so that its faults are news again.

    >>> [fault.device for fault in plant(("a", "b", "c"), 1268, seed=1)]
    ['a', 'c', 'b']
    >>> plant(("a", "b", "c"), 300, seed=1)
    ()
    """
    if ticks < NO_FAULTS_BELOW:
        return ()
    chance = random.Random(seed)  # noqa: S311  # a demo, not a secret
    chosen = chance.sample(devices, len(FAULTS))
    return tuple(
        PlantedFault(fault, device, chance.randrange(FIRST_TICK, LAST_TICK))
        for fault, device in zip(FAULTS, chosen, strict=True)
    )


def reported(planted: Collection[PlantedFault], device: str, tick: int, values: dict[str, float]) -> dict[str, float]:
    """What the sensors of a device report in place of their true values."""
    faults = [fault for fault in planted if fault.has(device, tick)]
    return values | {each.metric: each.fault.report(values[each.metric]) for each in faults}
