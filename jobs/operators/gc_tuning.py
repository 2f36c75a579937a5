"""Python's cycle collector, in a worker that makes thousands of objects a batch and hardly ever a cycle."""

import gc

YOUNG_OBJECTS = 100_000
"""More than a batch keeps alive at once: about five containers a record, a thousand records."""


def collect_garbage_rarely() -> None:
    """Leaves what the imports made out of the collector's sight, and lets it look at a batch's objects seldom.

    By default it looks each 700 objects, and every hundredth time at all modules as well: a sixth of the scorer's CPU.
    """
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)
