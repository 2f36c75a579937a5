"""Whether an instance lives, and whether it wants requests."""

from serving.cache import RecommendationCache
from serving.interaction_producer import InteractionProducer


class Health:
    """Redis or Kafka away is no reason to be sent no requests: every instance would say so, and none would answer.

    That Kafka has not been looked for yet is one: another instance may have its connection.
    """

    def __init__(self, cache: RecommendationCache, interaction_producer: InteractionProducer) -> None:
        self._cache = cache
        self._interactions = interaction_producer
        self.draining = False

    def not_ready(self) -> str | None:
        """Why it wants no requests; None if it does."""
        if self.draining:
            return "draining: it is being stopped"
        if not self._cache.ready:
            return f"waiting for Redis: {self._cache.unavailable_reason}"
        if not self._interactions.asked:
            return "connecting to Kafka"
        return None

    def impaired(self) -> list[str]:
        """What it cannot do at the moment though it answers."""
        found = []
        if self._cache.unavailable_reason is not None:
            found.append(f"Redis is away, popular lists stand in: {self._cache.unavailable_reason}")
        if not self._interactions.open:
            found.append("Kafka is away, interactions are refused")
        return found
