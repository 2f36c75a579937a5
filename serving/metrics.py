"""The instance's counters, read when Prometheus asks: counting costs the hot path one addition."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from connectors.pseudonyms import Pseudonyms
from connectors.redis.reader import BatchedReads
from schemas.recommendation_feedback import SHOWN
from serving.assignment import Assignments
from serving.cache import RecommendationCache
from serving.exposure_producer import ExposureProducer
from serving.feedback import Feedback, Labels
from serving.feedback_consumer import FeedbackConsumer
from serving.health import Health
from serving.interaction_producer import InteractionProducer
from serving.recommendations import RecommendationService
from serving.routes import Routes


class ServingCollector(Collector):
    """Counters start at 0 with the process; those of feedback with the hour before it."""

    def __init__(
        self,
        paths: Routes,
        answers: RecommendationService,
        assignments: Assignments,
        cache: RecommendationCache,
        reads: BatchedReads,
        exposures: ExposureProducer,
        interaction_producer: InteractionProducer,
        health: Health,
        feedback: Feedback,
        follower: FeedbackConsumer,
        pseudonyms: Pseudonyms,
    ) -> None:
        self._paths = paths
        self._answers = answers
        self._assignments = assignments
        self._cache = cache
        self._reads = reads
        self._exposures = exposures
        self._interactions = interaction_producer
        self._health = health
        self._feedback = feedback
        self._follower = follower
        self._pseudonyms = pseudonyms

    def collect(self) -> Iterator[Metric]:
        yield _gauge("ready", "1 if it wants requests.", self._health.not_ready() is None)
        yield _labelled("lists", "Lists answered.", "source", self._answers.by_source)
        yield _counter("degraded", "Lists that stood in for another because Redis was away.", self._answers.degraded)
        yield _labelled("refused", "Requests refused.", "error", {str(k): v for k, v in self._paths.refused.items()})
        yield _gauge("experiments", "Experiments that run.", self._assignments.running)
        yield _counter("experiments_unreadable", "Looks at experiments that are none.", self._assignments.failures)
        yield _counter("pseudonym_key_failures", "Looks at a key that cannot be used.", self._pseudonyms.failures)
        yield from self._redis()
        yield from self._kafka()
        yield from self._quality()

    def _redis(self) -> Iterator[Metric]:
        cache = self._cache
        yield _gauge("redis_up", "1 if Redis answered last.", cache.unavailable_reason is None)
        yield _counter("redis_failures", "Calls of Redis that failed.", cache.failures)
        yield _counter(
            "redis_round_trips", "MGETs; each serves the requests that came meanwhile.", self._reads.round_trips
        )
        yield _counter("cache_hits", "Values that were read just before.", cache.hits)
        yield _counter("cache_misses", "Values that Redis was asked for.", cache.misses)
        yield _counter("unreadable", "Values of Redis that were no lists.", cache.unreadable)
        yield _gauge("shared_age_seconds", "Age of withdrawn items and popular lists.", cache.shared_age_s)

    def _kafka(self) -> Iterator[Metric]:
        exposures, interaction_producer = self._exposures, self._interactions
        yield _counter("exposures_stored", "Exposures that Kafka has confirmed.", exposures.stored)
        yield _counter("exposures_dropped", "Exposures dropped because too many waited for Kafka.", exposures.dropped)
        yield _counter("exposures_refused", "Exposures that Kafka refused.", exposures.refused)
        yield _gauge("exposures_waiting", "Exposures that wait for Kafka.", exposures.waiting)
        yield _gauge("kafka_up", "1 if Kafka takes interactions, as far as is known.", interaction_producer.open)
        yield _counter("interactions_stored", "Interactions that Kafka has confirmed.", interaction_producer.stored)
        yield _counter(
            "interactions_failed", "Interactions that Kafka has not confirmed in time.", interaction_producer.failed
        )
        yield _gauge("interactions_unconfirmed", "Interactions that wait for Kafka.", interaction_producer.unconfirmed)

    def _quality(self) -> Iterator[Metric]:
        """Of all lists, whichever instance has answered them: every instance says the same."""
        feedback, labels = self._feedback, Labels._fields
        events = CounterMetricFamily(
            "headrace_serving_feedback_events", "Lists shown, and what users did with items of them.", labels=labels
        )
        ranks = CounterMetricFamily(
            "headrace_serving_feedback_reciprocal_ranks", "1 / place of what users chose, summed up.", labels=labels
        )
        for series, counted in feedback.counted.items():
            events.add_metric(series, counted.events)
            if series.action != SHOWN:
                ranks.add_metric(series, counted.reciprocal_ranks)
        yield events
        yield ranks
        yield _gauge("feedback_age_seconds", "Since feedback was last read up to its end.", self._follower.age_s)
        yield _counter("feedback_unreadable", "Records of feedback that were none.", feedback.unreadable)


def registry(collector: ServingCollector) -> CollectorRegistry:
    """With the process's own figures: memory, CPU, open files."""
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
