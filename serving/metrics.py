"""Metrics of the instance, collected when Prometheus scrapes: counting costs the hot path one addition."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from connectors.pseudonyms import Pseudonyms
from connectors.redis.reader import BatchedReads
from schemas.recommendation_feedback import SHOWN
from serving.assignment import ExperimentAssigner
from serving.cache import RecommendationCache
from serving.errors import FROM_HAPROXY, ErrorCode
from serving.exposure_producer import ExposureProducer
from serving.feedback import Feedback, Labels
from serving.feedback_consumer import FeedbackConsumer
from serving.health import Health
from serving.interaction_producer import InteractionProducer
from serving.recommendations import RecommendationService


class ServingCollector(Collector):
    """Counters start at 0 with the process; those of feedback count the hour before it too."""

    def __init__(
        self,
        refused: dict[ErrorCode, int],
        recommendation_service: RecommendationService,
        assigner: ExperimentAssigner,
        cache: RecommendationCache,
        reads: BatchedReads,
        exposures: ExposureProducer,
        interaction_producer: InteractionProducer,
        health: Health,
        feedback: Feedback,
        feedback_consumer: FeedbackConsumer,
        pseudonyms: Pseudonyms,
    ) -> None:
        self._refused = refused
        self._service = recommendation_service
        self._assigner = assigner
        self._cache = cache
        self._reads = reads
        self._exposures = exposures
        self._interactions = interaction_producer
        self._health = health
        self._feedback = feedback
        self._feedback_consumer = feedback_consumer
        self._pseudonyms = pseudonyms

    def collect(self) -> Iterator[Metric]:
        yield _gauge("ready", "1 if the instance is ready for requests.", self._health.not_ready() is None)
        yield _labelled("lists", "Lists answered.", "source", self._service.by_source)
        yield _counter("degraded", "Lists answered during an outage of Redis.", self._service.degraded)
        yield _labelled("refused", "Requests refused.", "error", {str(k): v for k, v in self._refused.items()})
        yield _gauge("experiments", "Running experiments.", self._assigner.running)
        yield _counter("experiments_unreadable", "Failed reads of the experiments.", self._assigner.failures)
        yield _counter("pseudonym_key_failures", "Failed reads of the pseudonym key.", self._pseudonyms.failures)
        yield from self._redis()
        yield from self._kafka()
        yield from self._quality()

    def _redis(self) -> Iterator[Metric]:
        cache = self._cache
        yield _gauge("redis_up", "1 if the last call of Redis succeeded.", cache.unavailable_reason is None)
        yield _counter("redis_failures", "Failed calls of Redis.", cache.failures)
        yield _counter(
            "redis_round_trips", "MGET calls; each serves all requests that were waiting.", self._reads.round_trips
        )
        yield _counter("cache_hits", "Values answered from the cache.", cache.hits)
        yield _counter("cache_misses", "Values read from Redis.", cache.misses)
        yield _counter("unreadable", "Values of Redis that are no list.", cache.unreadable)
        yield _gauge("shared_age_seconds", "Age of withdrawn items and popular lists.", cache.shared_age_s)

    def _kafka(self) -> Iterator[Metric]:
        exposures, interaction_producer = self._exposures, self._interactions
        yield _counter("exposures_stored", "Exposures confirmed by Kafka.", exposures.stored)
        yield _counter("exposures_dropped", "Exposures dropped because the queue was full.", exposures.dropped)
        yield _counter("exposures_refused", "Exposures rejected by Kafka.", exposures.refused)
        yield _gauge("exposures_waiting", "Exposures waiting for Kafka.", exposures.waiting)
        yield _gauge("kafka_up", "1 if Kafka accepts interactions, as far as is known.", interaction_producer.available)
        yield _counter("interactions_stored", "Interactions confirmed by Kafka.", interaction_producer.stored)
        yield _counter("interactions_failed", "Interactions not confirmed in time.", interaction_producer.failed)
        yield _gauge("interactions_unconfirmed", "Interactions waiting for Kafka.", interaction_producer.unconfirmed)

    def _quality(self) -> Iterator[Metric]:
        """For the lists of all instances: every instance reports the same values."""
        feedback, labels = self._feedback, Labels._fields
        events = CounterMetricFamily(
            "headrace_serving_feedback_events", "Lists shown, and actions on their items.", labels=labels
        )
        ranks = CounterMetricFamily(
            "headrace_serving_feedback_reciprocal_ranks", "Sum of 1 / rank of the chosen items.", labels=labels
        )
        for series, count in feedback.counts.items():
            events.add_metric(series, count.events)
            if series.action != SHOWN:
                ranks.add_metric(series, count.reciprocal_ranks)
        yield events
        yield ranks
        yield _gauge(
            "feedback_age_seconds",
            "Time since the feedback topic was last read up to its end.",
            self._feedback_consumer.age_s,
        )
        yield _counter("feedback_unreadable", "Unreadable feedback records.", feedback.unreadable)


def no_refusals() -> dict[ErrorCode, int]:
    """A count for each error that an instance answers with."""
    return {code: 0 for code in ErrorCode if code not in FROM_HAPROXY}


def registry(collector: ServingCollector) -> CollectorRegistry:
    """With metrics of the process: memory, CPU, open files."""
    registry = CollectorRegistry()
    registry.register(collector)
    ProcessCollector(registry=registry)
    return registry


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"headrace_serving_{name}", text, value=value)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"headrace_serving_{name}", text, value=value)


def _labelled(name: str, text: str, label: str, values: dict[str, int]) -> Metric:
    family = CounterMetricFamily(f"headrace_serving_{name}", text, labels=[label])
    for value, count in values.items():
        family.add_metric([value], count)
    return family
