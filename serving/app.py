"""Composition root of one instance: builds its parts, starts and stops their background work."""

import asyncio
import logging
import signal
import time
from collections.abc import Callable
from pathlib import Path

from connectors.endpoints import Endpoints
from connectors.experiments_file import ExperimentsFile
from connectors.kafka import clients
from connectors.kafka.log import KafkaLog
from connectors.pseudonyms import KEY_FILE, Pseudonyms
from connectors.redis.clients import async_client_of
from connectors.redis.reader import BatchedReads
from schemas.topics import EXPOSURES, INTERACTIONS, TELEMETRY_VERDICTS
from serving.alerts import AlertHandlers, AlertsInRedis
from serving.api import create_app
from serving.api_keys import ApiKeys, read_keys
from serving.assignment import ExperimentAssigner
from serving.auth import Authenticator
from serving.cache import RecommendationCache, shared_fetcher
from serving.exposure_producer import ExposureProducer, Producer
from serving.feedback import Feedback
from serving.feedback_consumer import FeedbackConsumer
from serving.health import Health
from serving.interaction_producer import InteractionProducer
from serving.metrics import ServingCollector, no_refusals, registry
from serving.rate_limit import RateLimit
from serving.recommendations import RecommendationService
from serving.route_handlers import RouteHandlers
from serving.settings import ServingSettings

log = logging.getLogger(__name__)

CLIENT_ID = "headrace-serving"

FILE_RELOAD_INTERVAL_S = 2.0
"""How long a removed API key, an ended experiment and the pseudonym of an erased user stay in use at most."""


class Instance:
    """Must be created inside a running event loop."""

    def __init__(self, settings: ServingSettings, endpoints: Endpoints, secrets: Path, experiments: Path) -> None:
        """`secrets`, `experiments`: the folders with the keys, and with the files of experiments.

        Raises
        ------
        PseudonymsError
            Without a usable key for pseudonyms.
        """
        self._settings = settings
        self._secrets = secrets
        self._redis = async_client_of(endpoints, settings.redis_timeout_ms)
        reads = BatchedReads(self._redis, settings.redis_timeout_ms)
        fetch_shared = shared_fetcher(self._redis, settings.redis_timeout_ms)
        self._cache = RecommendationCache(reads, fetch_shared, settings.stale_after_ms, time.monotonic)
        self._exposures = ExposureProducer(_exposure_producer(endpoints.kafka), settings.max_exposures)
        timeout_s = settings.kafka_timeout_ms / 1000
        self._interactions = InteractionProducer(
            _interaction_producer(endpoints.kafka, settings.kafka_timeout_ms), timeout_s
        )
        limit = RateLimit(settings.rate_limit, settings.rate_burst)
        self._authenticator = Authenticator(ApiKeys({}), limit, time.monotonic)
        self._assigner = ExperimentAssigner(ExperimentsFile(experiments))
        self._pseudonyms = Pseudonyms(secrets / KEY_FILE)
        pseudonym_of = self._pseudonyms.of
        service = RecommendationService(self._cache, self._exposures, self._assigner, pseudonym_of)
        api = RouteHandlers(self._authenticator, service, self._interactions, pseudonym_of, settings.max_body_bytes)
        alerts = AlertHandlers(
            self._authenticator, AlertsInRedis(self._redis), self._interactions, settings.max_body_bytes
        )
        self.health = Health(self._cache, self._interactions)
        feedback = Feedback()
        self._feedback_consumer = FeedbackConsumer(feedback, lambda: KafkaLog.connect(endpoints.kafka), time.monotonic)
        refused = no_refusals()
        collector = ServingCollector(
            refused, service, self._assigner, self._cache, reads, self._exposures, self._interactions, self.health,
            feedback, self._feedback_consumer, self._pseudonyms,
        )  # fmt: skip
        self.application = create_app(api, alerts, self.health, registry(collector), refused)
        self._background: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Start the background work. Neither Redis nor Kafka need be available."""
        self._read_keys()
        self._assigner.reload()
        self._exposures.start()
        self._interactions.start()
        self._feedback_consumer.start()
        await self._cache.refresh()
        self._background = [
            asyncio.create_task(self._cache.run(), name="refresh the cache"),
            asyncio.create_task(self._keep_reloading_files(), name="reload keys and experiments"),
        ]
        for task in self._background:
            task.add_done_callback(_stop_on_failure)

    async def stop(self) -> None:
        """After the last answer. Exposures that wait for Kafka get `stop_within_s`."""
        for task in self._background:
            task.cancel()
        left = await asyncio.to_thread(self._exposures.stop, self._settings.stop_within_s)
        if left:
            log.warning(
                "Stopped before Kafka confirmed %d exposures: they are lost.", left, extra={"topic": EXPOSURES.name}
            )
        await asyncio.to_thread(self._interactions.stop)
        await asyncio.to_thread(self._feedback_consumer.stop)
        await self._redis.aclose()

    async def _keep_reloading_files(self) -> None:
        while True:
            await asyncio.sleep(FILE_RELOAD_INTERVAL_S)
            self._read_keys()
            self._assigner.reload()
            self._pseudonyms.refresh()

    def _read_keys(self) -> None:
        try:
            keys = read_keys(self._secrets)
        except OSError as error:
            log.error("Cannot read the API keys in %s, keeping the last ones: %s", self._secrets, error)
            return
        if len(keys) != len(self._authenticator.keys):
            log.info("%d API keys in %s", len(keys), self._secrets)
        self._authenticator.keys = keys


def _stop_on_failure(task: "asyncio.Task[None]") -> None:
    """Without its background work an instance would answer with ever older lists. So it stops and is restarted."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.critical("Stopping: the background task `%s` failed", task.get_name(), exc_info=error)
        signal.raise_signal(signal.SIGTERM)


def _exposure_producer(bootstrap: str) -> Callable[[], Producer]:
    def connect() -> Producer:
        # Exposures of 100 ms share a batch: no request waits for them.
        made: Producer = clients.ready_producer(bootstrap, (EXPOSURES,), client_id=CLIENT_ID, linger_ms=100)
        return made

    return connect


def _interaction_producer(bootstrap: str, timeout_ms: int) -> Callable[[], Producer]:
    def connect() -> Producer:
        wait = {"wait_ms": timeout_ms, "give_up_after_ms": timeout_ms}
        made: Producer = clients.ready_producer(
            bootstrap, (INTERACTIONS, TELEMETRY_VERDICTS), client_id=CLIENT_ID, linger_ms=2, **wait
        )
        return made

    return connect
