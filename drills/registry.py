"""All drills, in the order in which they run.

Those that leave a sound stack come first, those on a stack of another kind last.
"""

from drills import (
    brokers,
    capture,
    clock_steps,
    clocks,
    fatal_records,
    large_messages,
    mqtt_sessions,
    poison,
    processes,
    stores,
    upgrades,
)
from drills.capture import CaptureDrill
from drills.drill import Drill

ALL: tuple[Drill | CaptureDrill, ...] = (
    *processes.DRILLS,
    *brokers.DRILLS,
    *mqtt_sessions.DRILLS,
    *stores.DRILLS,
    *large_messages.DRILLS,
    *upgrades.DRILLS,
    *clock_steps.DRILLS,
    *clocks.DRILLS,
    *poison.DRILLS,
    *fatal_records.DRILLS,
    *capture.DRILLS,
)
NAMES = tuple(drill.name for drill in ALL)
