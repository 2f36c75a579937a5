"""All drills, in the order in which they run: those that leave a sound stack first."""

from headrace.drills import brokers, clocks, poison, processes, stores, upgrades
from headrace.drills.drill import Drill

ALL: tuple[Drill, ...] = (
    *processes.DRILLS,
    *brokers.DRILLS,
    *stores.DRILLS,
    *upgrades.DRILLS,
    *clocks.DRILLS,
    *poison.DRILLS,
)
NAMES = tuple(drill.name for drill in ALL)
