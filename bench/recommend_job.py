"""The job recommend_items over MovieLens-100K: interactions per CPU second of its Python worker.

    python -m bench.recommend_job

Kafka to Redis: reading JSON, learning, asking an ONNX model, making lists, writing them, state in checkpoints.

The ratings are told by six crowds of users in turns, so that nearly every interaction has a list of its own: in the
order of the file users rate fifty films in a row, of which a backlog needs one list. The model is the hybrid, trained
on all of it. How far the job is, its committed offsets say.
"""

import statistics
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import orjson
from kafka import TopicPartition

from bench.command_line import run
from bench.job_cost import run_job
from bench.movielens import movielens
from bench.report import verdict
from bench.reset_offsets import reset_offsets
from bench.stack import bench_stack
from connectors.kafka.clients import consumer, create_topics, producer
from connectors.pseudonym_key import PseudonymKey
from connectors.redis.clients import client_of
from headrace.model_store.publishing import publish
from jobs.names import consumer_group
from models.recommend.artifact import export
from models.recommend.catalogue import RECOMMENDERS, Words
from models.recommend.history import Histories
from models.recommend.interactions import Interactions
from schemas.redis_keys import RECOMMENDATIONS
from schemas.topics import INTERACTIONS
from stack.layout import Layout

SERVERS = "zookeeper,kafka,redis,forkserver,jobmanager,taskmanager"
JOB = "recommend_items"
VERSION = "bench"
CROWDS = 6
LATER_MS = 900_000_000_000
"""The ratings are of 1997; a time before 2010 is refused."""
ROUNDS = 3
LIMIT = 5_000
MAX_LIST_BYTES = 3_072


def main() -> None:
    events, words = movielens()
    with TemporaryDirectory() as folder, bench_stack("--only", SERVERS) as layout:
        _model(layout, Path(folder), events, words)
        create_topics(layout.endpoints.kafka)
        pseudonym_of = cache(PseudonymKey.new().pseudonym)  # as the REST API calls users
        n, crowds = _send(layout, events, range(CROWDS), pseudonym_of), CROWDS

        def more() -> int:
            nonlocal n, crowds
            n, crowds = n + _send(layout, events, range(crowds, 2 * crowds), pseudonym_of), 2 * crowds
            reset_offsets(layout, consumer_group(JOB))
            return n

        costs = run_job(layout, f"jobs.{JOB}", [], n, _read(layout), windows=ROUNDS, more=more)
        for cost in costs:
            print(f"worker {cost.python_us:5.1f} us, JVM {cost.jvm_us:5.1f} us an interaction", flush=True)
        _print_redis(layout)
    figure = 1e6 / statistics.median(cost.python_us for cost in costs)
    print(verdict("recommend worker", figure, "interactions a CPU second", LIMIT, at_least=True))


def _model(layout: Layout, folder: Path, events: Interactions, words: Words) -> None:
    """The hybrid, trained on all interactions, and champion."""
    model, histories = RECOMMENDERS["hybrid"](len(events.item_names), words), Histories(len(events.user_names))
    for user, item, time_s in zip(events.users.tolist(), events.items.tolist(), events.times_s.tolist(), strict=True):
        model.learn(histories.of(user, time_s), item, time_s)
        histories.add(user, item, time_s)
    model.refit()
    artifact = export(model, events, {}, folder / "made", VERSION)
    publish(layout.folder("models", "recommend"), artifact.folder, VERSION)


def _send(layout: Layout, events: Interactions, crowds: Sequence[int], pseudonym_of: Callable[[str], str]) -> int:
    """Of some crowds each user's ratings in their order, users in turns; how many that are."""
    client = producer(layout.endpoints.kafka, client_id="bench", linger_ms=20)
    own_order = np.argsort(events.users, kind="stable")
    turns = np.random.default_rng(7).permutation(events.users)
    places = np.empty(len(events), np.int64)
    places[np.argsort(turns, kind="stable")] = own_order
    columns = (events.users[places].tolist(), events.items[places].tolist(), events.times_s[places].tolist())
    for user, item, time_s in zip(*columns, strict=True):
        for crowd in crowds:
            key = pseudonym_of(f"user-{events.user_names[user]}-{crowd}")
            record = {
                "schema_version": 1, "user": key, "item": events.item_names[item], "action": "view",
                "event_time": int(1000 * time_s) + LATER_MS, "context": {"page": "home"},
            }  # fmt: skip
            client.send(INTERACTIONS.name, key=key.encode(), value=orjson.dumps(record))
    client.flush()
    client.close()
    n = len(crowds) * len(events)
    print(f"{n:,} interactions of {len(crowds) * len(events.user_names):,} users in {INTERACTIONS.name}", flush=True)
    return n


def _read(layout: Layout) -> Callable[[], int]:
    """Gives how many interactions the job has learned, as of its last checkpoint."""
    client = consumer(layout.endpoints.kafka, group=consumer_group(JOB))
    partitions = [TopicPartition(INTERACTIONS.name, number) for number in range(INTERACTIONS.partitions)]
    return lambda: sum(client.committed(partition) or 0 for partition in partitions)


def _print_redis(layout: Layout) -> None:
    """What the lists take. Raises SystemExit if one takes too much."""
    client: Any = client_of(layout.endpoints)  # redis-py's types have each answer awaitable too
    keys = [
        key
        for key, _ in zip(client.scan_iter(match=RECOMMENDATIONS.scan_pattern, count=1000), range(1000), strict=False)
    ]
    sizes = [client.memory_usage(key) or 0 for key in keys]
    asked = sum(b'"model_version":"bench"' in (client.get(key) or b"") for key in keys)
    print(
        f"a list takes {statistics.median(sizes):,.0f} bytes of Redis, {max(sizes):,} at most ({len(keys)} looked at)"
    )
    print(f"{asked} of them with the model")
    if max(sizes) > MAX_LIST_BYTES or asked < len(keys):
        raise SystemExit("lists are too large, or were made without the model")


if __name__ == "__main__":
    run(main)
