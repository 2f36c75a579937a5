"""Kafka topics: name, key, partitions, retention, largest message. Made by the local stack and by compose."""

from dataclasses import dataclass, replace
from itertools import islice

from pydantic import ValidationError

from schemas.alert_verdict import AlertVerdict
from schemas.anomaly_score import AnomalyScore
from schemas.bridge_session import BridgeSession
from schemas.churn_score import ChurnScore
from schemas.dead_letter import DeadLetter
from schemas.device import Device
from schemas.device_command import DeviceCommand
from schemas.errors import TerminalError
from schemas.exposure import Exposure
from schemas.forgotten_user import ForgottenUser
from schemas.ignored_message import IgnoredMessage
from schemas.interaction import Interaction
from schemas.item import Item
from schemas.personal import Personal
from schemas.reading import DuplicateReading, LateReading, Reading
from schemas.recommendation_feedback import RecommendationFeedback
from schemas.record import Record, faults
from schemas.replay import Replay
from schemas.usage import CustomerUsage, UsageHour
from schemas.window_summary import WindowSummary

DAY_MS = 24 * 60 * 60 * 1000
MIB = 1024 * 1024


@dataclass(frozen=True)
class Topic:
    """One topic. All are LogAppendTime: the broker's clock is the only one that every record shares."""

    name: str
    record: type[Record] | None
    """None: the value is the payload's bytes, untouched."""
    purpose: str
    key: str = "device"
    partitions: int = 4
    retention_ms: int = 7 * DAY_MS
    retention_bytes: int = 4096 * MIB
    """Of one partition. Whichever of the two limits is met first."""
    cleanup_policy: str = "delete"
    max_message_bytes: int = 1 * MIB
    personal: Personal = Personal.NO

    @property
    def gone_within_ms(self) -> int | None:
        """How long a record is there at most, of a compacted topic under a deleted key; None: not of a person."""
        if self.personal is Personal.NO:
            return None
        return DAY_MS + (2 * DAY_MS if self.retention_ms < 0 else self.retention_ms)

    def configs(self) -> dict[str, str]:
        """Kafka's topic configuration, as strings."""
        # Only a segment that is closed is removed or compacted, and Kafka's are closed after a week.
        bounded = {"segment.ms": str(DAY_MS)} if self.personal is not Personal.NO else {}
        if bounded and "compact" in self.cleanup_policy:
            bounded |= {"max.compaction.lag.ms": str(DAY_MS), "delete.retention.ms": str(DAY_MS)}
        return bounded | {
            "message.timestamp.type": "LogAppendTime",
            "cleanup.policy": self.cleanup_policy,
            "retention.ms": str(self.retention_ms),
            "retention.bytes": str(self.retention_bytes),
            "max.message.bytes": str(self.max_message_bytes),
        }


TELEMETRY_RAW = Topic("telemetry.raw", None, "Payloads as devices sent them; headers say how they came.")
# Compacted: one small record for each client id. It is how a loss of the queue at the MQTT broker gets a period.
BRIDGE_SESSIONS = Topic(
    "bridge.sessions",
    BridgeSession,
    "Up to when what a bridge's MQTT session held is stored, and the sessions that were lost.",
    key="client_id",
    partitions=1,
    cleanup_policy="compact",
    retention_ms=-1,
    retention_bytes=-1,
)
TELEMETRY_READINGS = Topic("telemetry.readings", Reading, "Clean readings, each identity once.")
TELEMETRY_DUPLICATES = Topic("telemetry.duplicates", DuplicateReading, "Readings that came again, unchanged.")
TELEMETRY_IGNORED = Topic("telemetry.ignored", IgnoredMessage, "Messages that hold no reading and are not meant to.")
TELEMETRY_COMMANDS = Topic(
    "telemetry.commands",
    DeviceCommand,
    "What payload formats ask of their devices; the bridge publishes it.",
    partitions=1,
    retention_ms=DAY_MS,
)
TELEMETRY_WINDOWS = Topic("telemetry.windows", WindowSummary, "Windows of 10 s and 1 min in event time.")
TELEMETRY_LATE = Topic(
    "telemetry.late", LateReading, "Readings behind the watermark: in no window, stored all the same."
)
TELEMETRY_ANOMALIES = Topic("telemetry.anomalies", AnomalyScore, "A score for every reading.")
# As long as an alert can be in Redis: until then an operator can change a verdict.
TELEMETRY_VERDICTS = Topic(
    "telemetry.verdicts",
    AlertVerdict,
    "What operators said of alerts.",
    partitions=1,
    retention_ms=30 * DAY_MS,
    retention_bytes=1024 * MIB,
)
# 4 MiB of original are 5.4 MiB in base64.
DEAD_LETTERS = Topic(
    "dead-letters",
    DeadLetter,
    "What could not be used, and why.",
    retention_ms=30 * DAY_MS,
    max_message_bytes=8 * MIB,
    personal=Personal.NAMED,
)
# As long as a dead letter can be there: its own retention, and the segment (7 days) that Kafka keeps beyond it.
DEAD_LETTER_REPLAYS = Topic(
    "dead-letters.replays",
    Replay,
    "Which dead letters were replayed.",
    key="dead_letter",
    partitions=1,
    retention_ms=DEAD_LETTERS.retention_ms + 14 * DAY_MS,
    retention_bytes=1024 * MIB,
)
# Compacted: the newest row of each key stays for ever, so a job that starts cold has them all. A text of a row may be
# long, and one row that is too long stops the capture of all.
CUSTOMERS = Topic(
    "customers",
    None,
    "Rows of PostgreSQL's table with all its columns; a deleted row comes with `__deleted`, then without a value.",
    key="customer_id",
    cleanup_policy="compact",
    max_message_bytes=8 * MIB,
    retention_ms=-1,
    retention_bytes=-1,
    personal=Personal.NAMED,
)
DEVICES = Topic(
    "devices",
    Device,
    "Rows of PostgreSQL's table; a deleted row comes with `__deleted`, then without a value.",
    cleanup_policy="compact",
    max_message_bytes=8 * MIB,
    retention_ms=-1,
    retention_bytes=-1,
    personal=Personal.NAMED,
)
INTERACTIONS = Topic("interactions", Interaction, "What users did with items.", key="user", personal=Personal.PSEUDONYM)
EXPOSURES = Topic(
    "exposures",
    Exposure,
    "Lists that were shown to users.",
    key="user",
    retention_ms=30 * DAY_MS,
    personal=Personal.PSEUDONYM,
)
# Longer than an interaction can be there: a job that reads both from the beginning forgets whom it learns.
USERS_FORGOTTEN = Topic(
    "users.forgotten",
    ForgottenUser,
    "Pseudonyms of users who are to be forgotten.",
    key="user",
    partitions=1,
    retention_ms=30 * DAY_MS,
    personal=Personal.PSEUDONYM,
)
RECOMMENDATIONS_FEEDBACK = Topic(
    "recommendations.feedback",
    RecommendationFeedback,
    "What users did with the lists that they were shown, each minute.",
    key="source",
    partitions=1,
    retention_ms=30 * DAY_MS,
)
ITEMS = Topic(
    "items",
    Item,
    "What can be recommended; a record without a value: the item is gone.",
    key="item",
    cleanup_policy="compact",
    retention_ms=-1,
    retention_bytes=-1,
)
# A table to train on needs the week before each of its moments, so this is kept for longer than what it counts.
USAGE_HOURS = Topic(
    "usage.hours",
    UsageHour,
    "What was counted of customers' readings and interactions, by the hour that they are of.",
    key="customer",
    retention_ms=90 * DAY_MS,
    personal=Personal.PSEUDONYM,
)
# Every customer with a feature above 0 comes each hour, and once more with zeros: what is older says nothing.
CUSTOMERS_USAGE = Topic(
    "customers.usage",
    CustomerUsage,
    "Usage features of customers, each hour.",
    key="customer",
    cleanup_policy="compact,delete",
    retention_ms=8 * DAY_MS,
    personal=Personal.PSEUDONYM,
)
CHURN_SCORES = Topic(
    "churn.scores",
    ChurnScore,
    "The risk of each customer whose row or usage changed, with its reasons.",
    key="customer",
    personal=Personal.NAMED,
)

TOPICS = (
    TELEMETRY_RAW,
    BRIDGE_SESSIONS,
    TELEMETRY_READINGS,
    TELEMETRY_DUPLICATES,
    TELEMETRY_IGNORED,
    TELEMETRY_COMMANDS,
    TELEMETRY_WINDOWS,
    TELEMETRY_LATE,
    TELEMETRY_ANOMALIES,
    TELEMETRY_VERDICTS,
    DEAD_LETTERS,
    DEAD_LETTER_REPLAYS,
    CUSTOMERS,
    DEVICES,
    INTERACTIONS,
    EXPOSURES,
    USERS_FORGOTTEN,
    RECOMMENDATIONS_FEEDBACK,
    ITEMS,
    USAGE_HOURS,
    CUSTOMERS_USAGE,
    CHURN_SCORES,
)


def topics_with(dead_letters_retention_ms: int, dead_letters_retention_bytes: int) -> tuple[Topic, ...]:
    """All topics, with other limits for the dead letters: ms, and bytes of one partition."""
    longer_ms = DEAD_LETTER_REPLAYS.retention_ms - DEAD_LETTERS.retention_ms
    changed = {
        DEAD_LETTERS: replace(
            DEAD_LETTERS, retention_ms=dead_letters_retention_ms, retention_bytes=dead_letters_retention_bytes
        ),
        DEAD_LETTER_REPLAYS: replace(DEAD_LETTER_REPLAYS, retention_ms=dead_letters_retention_ms + longer_ms),
    }
    return tuple(changed.get(topic, topic) for topic in TOPICS)


MAX_MESSAGE_BYTES = max(topic.max_message_bytes for topic in TOPICS)

_RECORDS = {topic.name: topic.record for topic in TOPICS}


class UnreadableRecord(TerminalError, ValueError):
    """Raised for a value that is no record of its topic; the message says why. Only a foreign producer writes one.

    Terminal: the bytes stay the same.
    """


def read_record(topic: str, value: bytes | None) -> Record:
    """The record that a message of `topic` is.

    Raises
    ------
    UnreadableRecord

    >>> read_record("telemetry.readings", b'{"device": 7}')
    Traceback (most recent call last):
    ...
    schemas.topics.UnreadableRecord: no record of telemetry.readings: device: Input should be a valid string; \
metric: Field required; event_time: Field required; value: Field required; position: Field required
    """
    record = _RECORDS.get(topic)
    if record is None:
        raise UnreadableRecord(f"{topic} holds no records")
    try:
        return record.model_validate_json(value or b"")
    except ValidationError as error:
        problems = "; ".join(islice(faults(error), 5))
        raise UnreadableRecord(f"no record of {topic}: {problems}") from error
