"""Whether an instance is ready for requests, and what it cannot do."""

from serving.cache import RecommendationCache
from serving.interaction_producer import InteractionProducer


class Health:
    """An outage of Redis or Kafka does not make an instance unready: all instances would be, and none would answer.

    Before its first attempt to connect to Kafka an instance is not ready: another one may be connected.
    """

    def __init__(self, cache: RecommendationCache, interaction_producer: InteractionProducer) -> None:
        self._cache = cache
        self._interactions = interaction_producer
        self.draining = False

    def not_ready(self) -> str | None:
        """Why it is not ready; None if it is."""
        if self.draining:
            return "draining: the instance is stopping"
        if not self._cache.ready:
            return f"waiting for Redis: {self._cache.unavailable_reason}"
        if not self._interactions.connection_attempted:
            return "connecting to Kafka"
        return None

    def degradations(self) -> list[str]:
        """What a ready instance cannot do at the moment."""
        found = []
        if self._cache.unavailable_reason is not None:
            found.append(f"Redis is unavailable, answering with popular lists: {self._cache.unavailable_reason}")
        if not self._interactions.available:
            found.append("Kafka is unavailable, refusing interactions")
        return found
