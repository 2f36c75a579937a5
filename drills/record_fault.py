"""A fault of operators that shows at records with certain numbers in them: one raises, one kills the worker.

Written into the release that `fatal_records` runs, beside the quarantine, so it imports nothing of ours.
"""

import os
import signal
import time
import zlib

FIRST = 7_000_000_000
"""No record of a drill has a number as large by itself."""


def fatal_number(operator: str, way: str) -> int:
    """What a record has in it that is fatal to one operator only, for example `store_redis.write`."""
    return FIRST + zlib.crc32(f"{operator} {way}".encode())


def fail_on_fatal_records(journal_file: str, batch: object) -> None:
    """Called before a batch is processed, by the operator whose journal of attempts has this name."""
    operator, text = ".".join(journal_file.split(".")[:2]), repr(batch)
    for way, fail in WAYS.items():
        if str(fatal_number(operator, way)) in text:
            fail()


def _raise() -> None:
    raise ArithmeticError("a fault that shows at this record alone")


def _kill() -> None:
    """As the kernel does for want of memory. The thread must not go on until the signal is there."""
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


WAYS = {"raises": _raise, "kills": _kill}
