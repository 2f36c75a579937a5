"""A server of a stack that is frozen: it takes connections and answers none."""

import contextlib
from collections.abc import Iterator
from typing import Any

import psutil


@contextlib.contextmanager
def frozen_kafka(stack: Any) -> Iterator[None]:
    """The stack's Kafka, inside the block."""
    port = int(stack.endpoints.kafka.rpartition(":")[2])
    listening = [each for each in psutil.net_connections("tcp") if each.status == "LISTEN" and each.laddr]
    kafka = psutil.Process(next(each.pid for each in listening if each.laddr.port == port))
    kafka.suspend()
    try:
        yield
    finally:
        kafka.resume()
