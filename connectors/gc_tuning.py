"""Python's cycle collector, in processes that make thousands of objects a second and hardly ever a cycle."""

import gc

YOUNG_OBJECTS = 100_000
"""More than a batch keeps alive at once: about five containers a record, a thousand records."""

YOUNG_AND_OLD = (50_000, 20, 100)
"""For processes that answer one message after another."""


def collect_garbage_rarely(*thresholds: int) -> None:
    """Leave what the imports made out of the collector's sight, and let it look at new objects seldom.

    By default it looks each 700 objects, and every hundredth time at all modules as well: a sixth of the scorer's CPU,
    6 % of the bridge's. `thresholds` are those of `gc.set_threshold`; by default those of a job's worker.
    """
    gc.freeze()
    gc.set_threshold(*(thresholds or (YOUNG_OBJECTS,)))
