"""Log lines of the bridge: to standard error, and of the Kafka client's only as many as a person reads."""

import logging
import time

SAME_AGAIN_S = 30.0


class SeldomTheSame(logging.Filter):
    """Lets a message through once in 30 s: a client that reconnects for an hour says it two hundred times an hour."""

    def __init__(self) -> None:
        super().__init__()
        self._last_s: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        template = str(record.msg).partition(":")[0]
        now_s = time.monotonic()
        if now_s - self._last_s.get(template, -SAME_AGAIN_S) < SAME_AGAIN_S:
            return False
        self._last_s[template] = now_s
        return True


def configure() -> None:
    """For the whole process."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    only_from_kafka = SeldomTheSame()
    handler.addFilter(lambda record: not record.name.startswith("kafka.") or only_from_kafka.filter(record))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("kafka").setLevel(logging.WARNING)
    logging.getLogger("kafka.net.selector").setLevel(logging.ERROR)  # says of every busy moment that it is busy
