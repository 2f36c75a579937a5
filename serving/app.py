"""One instance, put together: its parts, their background work, their end."""

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
from connectors.redis.reader import BatchedReads, client
from schemas.topics import EXPOSURES, INTERACTIONS
from serving.api import Application, api
from serving.api_keys import ApiKeys, read_keys
from serving.assignment import Assignments
from serving.auth import Authenticator
from serving.cache import RecommendationCache, ask_shared_of
from serving.exposure_producer import ExposureProducer, Producer
from serving.feedback import Feedback
from serving.feedback_consumer import FeedbackConsumer
from serving.health import Health
from serving.interaction_producer import InteractionProducer
from serving.metrics import ServingCollector, registry
from serving.rate_limit import RateLimit
from serving.recommendations import RecommendationService
from serving.routes import Routes
from serving.settings import ServingSettings

log = logging.getLogger(__name__)

CLIENT_ID = "headrace-serving"

FILES_EVERY_S = 2.0
"""A key whose file is removed opens nothing after so long, an experiment that ended has no arms, and a user who was
forgotten is a stranger."""


class Instance:
    """Made inside a running event loop."""

    def __init__(self, settings: ServingSettings, endpoints: Endpoints, secrets: Path, experiments: Path) -> None:
        """`secrets`, `experiments`: the folders with the keys, and with the files of experiments.

        Raises PseudonymsError without the key for pseudonyms: nobody could be told from anybody else.
        """
        self._settings = settings
        self._secrets = secrets
        self._redis = client(endpoints, settings.redis_timeout_ms)
        reads = BatchedReads(self._redis, settings.redis_timeout_ms)
        ask_shared = ask_shared_of(self._redis, settings.redis_timeout_ms)
        self._cache = RecommendationCache(reads, ask_shared, settings.stale_after_ms, time.monotonic)
        self._exposures = ExposureProducer(_exposure_producer(endpoints.kafka), settings.max_exposures)
        timeout_s = settings.kafka_timeout_ms / 1000
        self._interactions = InteractionProducer(
            _interaction_producer(endpoints.kafka, settings.kafka_timeout_ms), timeout_s
        )
        limit = RateLimit(settings.rate_limit, settings.rate_burst)
        self._authenticator = Authenticator(ApiKeys({}), limit, time.monotonic)
        self._assignments = Assignments(ExperimentsFile(experiments))
        self._pseudonyms = Pseudonyms(secrets / KEY_FILE)
        pseudonym_of = self._pseudonyms.of
        answers = RecommendationService(self._cache, self._exposures, self._assignments, pseudonym_of)
        paths = Routes(self._authenticator, answers, self._interactions, pseudonym_of, settings.max_body_bytes)
        self.health = Health(self._cache, self._interactions)
        feedback = Feedback()
        self._follower = FeedbackConsumer(feedback, lambda: KafkaLog.connect(endpoints.kafka), time.monotonic)
        collector = ServingCollector(
            paths, answers, self._assignments, self._cache, reads, self._exposures, self._interactions, self.health,
            feedback, self._follower, self._pseudonyms,
        )  # fmt: skip
        self.application = Application(paths, api(paths, self.health, registry(collector)))
        self._background: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin the background work. Neither Redis nor Kafka need be there."""
        self._read_keys()
        self._assignments.refresh()
        self._exposures.start()
        self._interactions.start()
        self._follower.start()
        await self._cache.refresh()
        self._background = [
            asyncio.create_task(self._cache.run(), name="look at Redis"),
            asyncio.create_task(self._keep_reading_files(), name="read keys and experiments"),
        ]
        for task in self._background:
            task.add_done_callback(_say_why)

    async def stop(self) -> None:
        """After the last answer: what is on its way to Kafka gets `stop_within_s`."""
        for task in self._background:
            task.cancel()
        left = await asyncio.to_thread(self._exposures.stop, self._settings.stop_within_s)
        if left:
            log.warning("%d exposures were not stored.", left)
        await asyncio.to_thread(self._interactions.stop)
        await asyncio.to_thread(self._follower.stop)
        await self._redis.aclose()

    async def _keep_reading_files(self) -> None:
        while True:
            await asyncio.sleep(FILES_EVERY_S)
            self._read_keys()
            self._assignments.refresh()
            self._pseudonyms.refresh()

    def _read_keys(self) -> None:
        try:
            keys = read_keys(self._secrets)
        except OSError as error:
            log.error("The keys in %s cannot be read (%s): the known ones stay.", self._secrets, error)
            return
        if len(keys) != len(self._authenticator.keys):
            log.info("%d keys in %s", len(keys), self._secrets)
        self._authenticator.keys = keys


def _say_why(task: "asyncio.Task[None]") -> None:
    """Background work has no end of its own: without it answers would grow old unnoticed. So the instance ends."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.critical("A fault of ours: `%s` ended", task.get_name(), exc_info=error)
        signal.raise_signal(signal.SIGTERM)


def _exposure_producer(bootstrap: str) -> Callable[[], Producer]:
    def connect() -> Producer:
        # A second's worth of exposures may share a batch: nobody waits for them.
        made: Producer = clients.ready_producer(bootstrap, (EXPOSURES,), client_id=CLIENT_ID, linger_ms=100)
        return made

    return connect


def _interaction_producer(bootstrap: str, timeout_ms: int) -> Callable[[], Producer]:
    def connect() -> Producer:
        wait = {"wait_ms": timeout_ms, "give_up_after_ms": timeout_ms}
        made: Producer = clients.ready_producer(bootstrap, (INTERACTIONS,), client_id=CLIENT_ID, linger_ms=2, **wait)
        return made

    return connect
