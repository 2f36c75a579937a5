"""Change capture under load: how old a change is when readers of committed records see it.

    python -m bench.capture

On a stack of its own with PostgreSQL, Kafka Connect and Kafka alone. One transaction a second changes so many rows,
and one more row, which carries the time; a consumer in a process of its own notes when that one comes.
"""

import argparse
import multiprocessing
import os
import sys
import time
from multiprocessing.queues import Queue
from queue import Empty
from typing import Any

from kafka import KafkaConsumer

from bench.command_line import run
from bench.report import verdict
from bench.stack import bench_stack
from connectors.postgres_cdc import database
from schemas.topics import CUSTOMERS
from stack.layout import Layout

LIMIT_S = 5.0
MARK = "mark"
LAST_WITHIN_S = 600
"""A machine that falls behind gets a figure that misses the limit, and not none."""


def main() -> None:
    arguments = _arguments()
    with bench_stack("--with", "postgres,connect", "--only", "connect") as layout:
        took_s, ages_s, changes = _measure(layout, arguments.rate, arguments.seconds)
    print(f"{changes:,} changes in {took_s:.0f} s, {changes / took_s:,.0f} a second")
    print(f"median age of a change {sorted(ages_s)[len(ages_s) // 2]:.2f} s")
    print(verdict("captured", changes / took_s, "changes a second", 0.95 * arguments.rate, at_least=True))
    print(verdict("oldest change when it was seen", max(ages_s), "s", LIMIT_S, at_least=False))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=5000, help="changes a second")
    parser.add_argument("--seconds", type=int, default=60)
    return parser.parse_args()


def _measure(layout: Layout, rate: int, seconds: int) -> tuple[float, list[float], int]:
    """Seconds until all was seen, the age of each second's last change, and how many changes were seen."""
    seen: Queue[Any] = multiprocessing.Queue()
    os.environ.update(layout.environment())
    watcher = multiprocessing.Process(target=_watch, args=(layout.endpoints.kafka, seconds, seen), daemon=True)
    watcher.start()
    began = time.monotonic()
    with database.connection(layout.capture) as connection:
        connection.execute("ALTER TABLE customers ADD COLUMN number int")
        connection.execute(f"INSERT INTO customers SELECT 'c-' || n, 0 FROM generate_series(1, {rate - 1}) n")
        for second in range(seconds):
            time.sleep(max(0.0, began + second - time.monotonic()))
            with connection.transaction():
                connection.execute("UPDATE customers SET number = %s WHERE customer_id LIKE 'c-%%'", [second])
                key = f"{MARK}-{time.time():.3f}"
                connection.execute("INSERT INTO customers VALUES (%s, %s)", [key, second])
    try:
        ages_s, changes = seen.get(timeout=LAST_WITHIN_S)
    except Empty:
        sys.exit(f"✘ The last change was not seen within {LAST_WITHIN_S} s. See headrace logs connect")
    took_s = time.monotonic() - began
    watcher.join()
    return took_s, ages_s, changes


def _watch(kafka: str, marks: int, seen: "Queue[Any]") -> None:
    """Until so many marks have come."""
    consumer = KafkaConsumer(
        CUSTOMERS.name, bootstrap_servers=kafka, auto_offset_reset="earliest", isolation_level="read_committed"
    )
    ages_s, changes = [], 0
    for record in consumer:
        changes += 1
        key = record.key.decode()
        if key.startswith(MARK):
            ages_s.append(time.time() - float(key.removeprefix(f"{MARK}-")))
            if len(ages_s) == marks:
                break
    consumer.close()
    seen.put((ages_s, changes))


if __name__ == "__main__":
    run(main)
