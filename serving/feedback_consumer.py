"""The topic of feedback, read on in a thread of its own: no answer waits for it, whether Kafka is there or not."""

import logging
import threading
import time
from collections.abc import Callable

from kafka.errors import KafkaError

from connectors.kafka.clients import KafkaClientError
from connectors.kafka.follower import FollowedTopic
from connectors.kafka.log import KafkaLog
from schemas.topics import RECOMMENDATIONS_FEEDBACK
from serving.feedback import Feedback

LOOKS_EVERY_S = 2.0
STOPS_WITHIN_S = 1.0

BEGINS_BACK_MS = 60 * 60 * 1000
"""How much of the past an instance counts when it begins. The topic has a month: a minute's work for the processor."""

log = logging.getLogger(__name__)


class FeedbackConsumer:
    """Gives what comes to `feedback`. `connect` makes the log and raises KafkaClientError or KafkaError."""

    def __init__(
        self, feedback: Feedback, connect: Callable[[], KafkaLog], now_s: Callable[[], float],
        looks_every_s: float = LOOKS_EVERY_S,
    ) -> None:  # fmt: skip
        self._feedback, self._connect, self._now_s, self._looks_every_s = feedback, connect, now_s, looks_every_s
        self._since_ms = int(time.time() * 1000) - BEGINS_BACK_MS
        self._seen_s = now_s()
        self._fault = ""
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="feedback", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """A thread that waits for Kafka is not waited for: it ends with the process."""
        self._stopped.set()
        self._thread.join(STOPS_WITHIN_S)

    @property
    def age_s(self) -> float:
        """Since the topic was last read up to its end; before that, since the instance began."""
        return self._now_s() - self._seen_s

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                with self._connect() as kafka:
                    self._follow(kafka)
            except (KafkaClientError, KafkaError) as error:
                self._say(error)
                self._stopped.wait(self._looks_every_s)

    def _follow(self, kafka: KafkaLog) -> None:
        """Until it is stopped. The first look may raise; later ones go on where they were."""
        topic = FollowedTopic(kafka, RECOMMENDATIONS_FEEDBACK, self._feedback.take, since_ms=self._since_ms)
        self._look(topic)
        while not self._stopped.wait(self._looks_every_s):
            try:
                self._look(topic)
            except (KafkaClientError, KafkaError) as error:
                self._say(error)

    def _look(self, topic: FollowedTopic) -> None:
        topic.refresh()
        self._seen_s, self._fault = self._now_s(), ""

    def _say(self, error: Exception) -> None:
        """Once for each fault."""
        if repr(error) != self._fault:
            self._fault = repr(error)
            log.warning("Feedback stays as it was read: %s. Trying again.", error)
