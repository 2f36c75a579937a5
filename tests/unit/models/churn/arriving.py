"""Micro-batches as the job score_churn gathers them: its SQL frames records, GatherMicroBatches.java joins them."""

import json
from typing import NamedTuple

from models.churn.arrivals import Arrivals


class Came(NamedTuple):
    """A record, as what is known of its customer by now: the newest row and usage and where they stand."""

    customer: str | None
    row: bytes | None
    partition: int = 0
    offset: int = 1
    usage: bytes | None = None
    is_row: bool = True


def arrivals(*records):
    elements = list(map(_element, records))
    return Arrivals(
        b"[" + b",".join(elements) + b"]", b"".join(len(element).to_bytes(4, "big") for element in elements)
    )


def _element(came):
    customer = json.dumps(came.customer, ensure_ascii=False).encode()
    usage = b"-1,-1,4,null" if came.usage is None else b"2,5,%d,%b" % (len(came.usage), came.usage)
    row = b"-1,-1,null" if came.row is None else b"%d,%d,%b" % (came.partition, came.offset, came.row)
    is_row = b"true" if came.is_row else b"false"
    return b"[%b,%d,%b,%b,%b]" % (is_row, len(customer), customer, usage, row)
