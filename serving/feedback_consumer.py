"""Background consumer of the feedback topic: a thread of its own, so that no answer ever waits for Kafka."""

import logging
import threading
import time
from collections.abc import Callable

from connectors.kafka.clients import KafkaClientError
from connectors.kafka.follower import FollowedTopic
from connectors.kafka.log import KafkaLog
from connectors.retries import until_stopped
from schemas.topics import RECOMMENDATIONS_FEEDBACK
from serving.feedback import Feedback

POLL_INTERVAL_S = 2.0
STOP_TIMEOUT_S = 1.0

INITIAL_LOOKBACK_MS = 60 * 60 * 1000
"""How much of the past an instance counts when it starts. The topic's whole month would take a minute of CPU."""

log = logging.getLogger(__name__)


class FeedbackConsumer:
    """Passes new records to `feedback`. `connect` opens the log, and raises KafkaClientError."""

    def __init__(
        self, feedback: Feedback, connect: Callable[[], KafkaLog], now_s: Callable[[], float],
        poll_interval_s: float = POLL_INTERVAL_S,
    ) -> None:  # fmt: skip
        self._feedback = feedback
        self._connect = connect
        self._now_s = now_s
        self._poll_interval_s = poll_interval_s
        self._since_ms = int(time.time() * 1000) - INITIAL_LOOKBACK_MS
        self._read_at_s = now_s()
        self._last_error = ""
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="feedback", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Does not wait for a thread that waits for Kafka: it is a daemon and ends with the process."""
        self._stopped.set()
        self._thread.join(STOP_TIMEOUT_S)

    @property
    def age_s(self) -> float:
        """Time since the topic was last read up to its end; before that, since the instance started."""
        return self._now_s() - self._read_at_s

    def _run(self) -> None:
        # Also a terminal error is tried again: a person may create a missing topic while the instance serves lists.
        until_stopped(
            self._connect_and_follow, self._stopped, self._poll_interval_s, self._log_once, retry_on=KafkaClientError
        )

    def _connect_and_follow(self) -> None:
        with self._connect() as kafka:
            self._follow(kafka)

    def _follow(self, kafka: KafkaLog) -> None:
        """Polls until stopped. The first poll may raise; later ones resume where the last one stopped."""
        topic = FollowedTopic(kafka, RECOMMENDATIONS_FEEDBACK, self._feedback.count, since_ms=self._since_ms)
        self._poll(topic)
        while not self._stopped.wait(self._poll_interval_s):
            try:
                self._poll(topic)
            except KafkaClientError as error:
                self._log_once(error)

    def _poll(self, topic: FollowedTopic) -> None:
        topic.refresh()
        self._read_at_s, self._last_error = self._now_s(), ""

    def _log_once(self, error: BaseException) -> None:
        """A repeated error is logged once."""
        if repr(error) != self._last_error:
            self._last_error = repr(error)
            log.warning(
                "Cannot read feedback, keeping the last counts, retrying: %s",
                error, extra={"topic": RECOMMENDATIONS_FEEDBACK.name},
            )  # fmt: skip
