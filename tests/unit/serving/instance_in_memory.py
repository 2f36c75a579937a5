"""An instance without a network: Redis, Kafka and the clock are in memory."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import httpx
import orjson
from kafka.future import Future
from prometheus_client import CollectorRegistry

from connectors.kafka.clients import KafkaUnavailable
from connectors.kafka.reading import PartitionBatch
from connectors.pseudonym_key import PseudonymKey
from connectors.redis.alerts import StoredAlert
from connectors.redis.reader import BatchedReads
from connectors.stores import StoreUnavailable
from schemas.experiment import DEFAULT_LIST, Plan, experiments_of
from serving import stored_lists
from serving.alerts import AlertHandlers
from serving.api import create_app
from serving.api_keys import ApiKeys
from serving.assignment import ExperimentAssigner
from serving.auth import Authenticator
from serving.cache import RecommendationCache
from serving.exposure_producer import ExposureProducer
from serving.feedback import Feedback
from serving.feedback_consumer import FeedbackConsumer
from serving.health import Health
from serving.interaction_producer import InteractionProducer
from serving.metrics import ServingCollector, no_refusals, registry
from serving.rate_limit import RateLimit
from serving.recommendations import RecommendationService
from serving.route_handlers import RouteHandlers

KEY = "a key of the tests"

pseudonym_of = PseudonymKey({"": bytes(32)}).pseudonym


def stored_list(items, /, **changes):
    """Bytes as the job stores them."""
    many = len(items)
    fields = {"items": items, "scores": [round(1 - n / 100, 4) for n in range(many)], "why": [0] * many}
    return orjson.dumps(fields | {"reasons": ["popular"], "model_version": "v3", "generated_at": 17} | changes)


class RedisInMemory:
    """The commands that an instance sends to Redis, which fail while `unavailable`."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}
        self.withdrawn: set[bytes] = set()
        self.unavailable = False
        self.asked: list[list[str]] = []

    async def mget(self, keys):
        self._require_available()
        self.asked.append(list(keys))
        await asyncio.sleep(0)
        return [self.values.get(key) for key in keys]

    async def shared(self):
        self._require_available()
        return set(self.withdrawn), self.values.get(stored_lists.POPULAR), self.values.get(stored_lists.TRENDING)

    def _require_available(self) -> None:
        if self.unavailable:
            raise ConnectionError("gone")


class KafkaInMemory:
    """A producer that confirms at once, never, or with an error."""

    def __init__(self) -> None:
        self.records: list[tuple[str, bytes, bytes]] = []
        self.outcome: Exception | str = "confirmed"
        self.closed = False

    def send(self, topic, *, key, value):
        self.records.append((topic, key, value))
        future = Future()
        if isinstance(self.outcome, Exception):
            future.failure(self.outcome)
        elif self.outcome == "confirmed":
            future.success(None)
        return future

    def close(self, timeout=None) -> None:
        self.closed = True


class FeedbackInMemory:
    """What a consumer uses of KafkaLog, for a topic of one partition; it fails while `unavailable`."""

    def __init__(self) -> None:
        self.values: list[bytes | None] = []
        self.before = 0
        """How many of them are of the time before an instance begins to count."""
        self.unavailable = False
        self.connections = self.refusals = self.taken = 0

    def connected(self) -> "FeedbackInMemory":
        self._require_available()
        self.connections += 1
        return self

    def __enter__(self) -> "FeedbackInMemory":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def partitions(self, topics):
        return [(topic, 0) for topic in topics]

    def committed_ends(self, partitions):
        self._require_available()
        return dict.fromkeys(partitions, len(self.values))

    def offsets_at(self, partitions, time_ms):
        return dict.fromkeys(partitions, self.before if self.before < len(self.values) else None)

    def read(self, starts, ends):
        for (topic, number), start in starts.items():
            if start < ends[each := (topic, number)]:
                records = [SimpleNamespace(value=value) for value in self.values[start : ends[each]]]
                yield PartitionBatch(topic, number, start, ends[each], records)
                self.taken = ends[each]

    def _require_available(self) -> None:
        if self.unavailable:
            self.refusals += 1
            raise KafkaUnavailable("gone")


class AlertsInMemory:
    """Alerts, the newest first; reading them fails while `unavailable`."""

    def __init__(self) -> None:
        self.alerts: list[StoredAlert] = []
        self.unavailable = False

    async def newest(self, device, since_ms, limit):
        self._require_available()
        wanted = [each for each in self.alerts if device in (None, each.device) and each.episode >= (since_ms or 0)]
        return wanted[:limit]

    async def find(self, device, metric, episode):
        self._require_available()
        names = {(each.device, each.metric, each.episode): each for each in self.alerts}
        return names.get((device, metric, episode))

    def _require_available(self) -> None:
        if self.unavailable:
            raise StoreUnavailable("Redis does not answer (gone)")


class ExperimentsInMemory:
    """A file of experiments as its text."""

    def __init__(self) -> None:
        self.text = ""
        self.usual = DEFAULT_LIST

    def plan(self) -> Plan:
        return Plan(experiments_of(self.text), self.usual)


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class Service:
    """The parts of one instance, and a client of it."""

    def __init__(self, max_exposures=100, rate=1000.0, kafka_timeout_s=30.0, **of_interaction_producer) -> None:
        self.redis, self.kafka, self.clock = RedisInMemory(), KafkaInMemory(), Clock()
        self.reads = BatchedReads(self.redis, timeout_ms=500)
        self.cache = RecommendationCache(self.reads, self.redis.shared, 500, self.clock)
        self.exposures = ExposureProducer(lambda: self.kafka, max_exposures)
        self.connects: Callable[[], Any] = lambda: self.kafka
        self.interaction_producer = InteractionProducer(
            lambda: self.connects(), kafka_timeout_s, **of_interaction_producer
        )
        self.authenticator = Authenticator(ApiKeys({"tests": KEY}), RateLimit(rate, rate), self.clock)
        self.experiments = ExperimentsInMemory()
        self.assigner = ExperimentAssigner(self.experiments)
        self.recommendations = RecommendationService(self.cache, self.exposures, self.assigner, pseudonym_of)
        self.endpoints = RouteHandlers(
            self.authenticator, self.recommendations, self.interaction_producer, pseudonym_of, max_body_bytes=4096
        )
        self.alerts = AlertsInMemory()
        self.alert_handlers = AlertHandlers(self.authenticator, self.alerts, self.interaction_producer, 4096)
        self.health = Health(self.cache, self.interaction_producer)
        self.feedback = Feedback()
        self.feedback_log: Any = FeedbackInMemory()
        self.feedback_consumer = FeedbackConsumer(
            self.feedback, lambda: self.feedback_log.connected(), self.clock, 0.001
        )
        self.pseudonyms = SimpleNamespace(failures=0)
        refused = no_refusals()
        parts = (
            refused,
            self.recommendations,
            self.assigner,
            self.cache,
            self.reads,
            self.exposures,
            self.interaction_producer,
            self.health,
            self.feedback,
            self.feedback_consumer,
            self.pseudonyms,
        )
        self.registry: CollectorRegistry = registry(ServingCollector(*parts))
        self.application = create_app(self.endpoints, self.alert_handlers, self.health, self.registry, refused)

    def client(self, key: str | None = KEY) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.application)
        headers = {} if key is None else {"X-API-Key": key}
        return httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers)

    def give(self, user, value: bytes) -> None:
        """A list of the user's own, in Redis."""
        self.redis.values[stored_lists.of_user(pseudonym_of(user))] = value

    async def get(self, path, **named):
        async with self.client() as client:
            return await client.get(path, **named)

    async def post(self, **named):
        async with self.client() as client:
            return await client.post("/interactions", **named)

    def metric(self, name, **labels) -> float:
        value = self.registry.get_sample_value(f"headrace_serving_{name}", labels)
        assert value is not None, name
        return value
