"""A user in Kafka's topics: told of as forgotten, waited for, looked for."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from kafka.errors import KafkaError

from connectors.kafka import producer
from connectors.kafka_log import KafkaLog
from connectors.kafka_scan import scan
from headrace.errors import NotForgotten
from headrace.privacy.finding import Finding
from headrace.privacy.word import word
from headrace.waiting import wait_until
from jobs.names import consumer_group
from schemas.dead_letter import DeadLetter
from schemas.forgotten_user import ForgottenUser
from schemas.topics import (
    CUSTOMERS,
    DAY_MS,
    DEAD_LETTERS,
    DEVICES,
    TOPICS,
    USERS_FORGOTTEN,
    Personal,
    Topic,
    UnreadableRecord,
    read_record,
)

GROUP = consumer_group("recommend_items")
LEARNED_WITHIN_S = 120.0
PERSONAL = tuple(topic for topic in TOPICS if topic.personal is not Personal.NO and topic is not USERS_FORGOTTEN)
DELETED = b'"__deleted":"true"'
ROW_STAYS = {
    CUSTOMERS: "the row is in the database. Delete it there:  DELETE FROM customers WHERE customer_id = ...",
    DEVICES: "the database names an owner. Change it there:  UPDATE devices SET owner = NULL WHERE owner = ...",
}
"""What the company's database still says, it says again: only there it can be ended."""


def tell(bootstrap: str, pseudonym: str) -> int:
    """Write the user to `users.forgotten`; the offset, once Kafka has confirmed it."""
    record = ForgottenUser(user=pseudonym, forgotten_at=time.time_ns() // 1_000_000)
    client = producer(bootstrap, client_id="headrace-forget", give_up_after_ms=20_000)
    try:
        sent = client.send(USERS_FORGOTTEN.name, key=pseudonym.encode(), value=record.model_dump_json().encode())
        return int(sent.get(timeout=20).offset)
    except KafkaError as error:
        raise NotForgotten(f"Kafka has not taken it ({error!r}). Nothing was removed: say it again") from error
    finally:
        client.close()


def wait_for_the_recommender(bootstrap: str, offset: int, is_running: Callable[[], bool]) -> Finding:
    """Return once a checkpoint of recommend_items knows whom not to keep. Raises NotForgotten, NotWithin."""
    place = "state of recommend_items"
    partition = (USERS_FORGOTTEN.name, 0)
    with KafkaLog.connect(bootstrap) as log:
        if not any(group == GROUP for group, _ in log.group_offsets([GROUP])):
            return Finding(place, "it never ran")
        if not is_running():
            raise NotForgotten(
                "recommend_items does not run, and its state knows the user. Submit it, and say this again:  "
                "headrace submit recommend_items"
            )
        wait_until(
            "a checkpoint of recommend_items that knows of it",
            lambda: log.group_offsets([GROUP]).get((GROUP, partition), 0) > offset,
            LEARNED_WITHIN_S,
        )
    return Finding(place, "a checkpoint was taken without the user")


def require_no_row(bootstrap: str, user: str) -> None:
    """Raises NotForgotten while the database, as far as change capture has read it, has the user."""
    for topic in ROW_STAYS:
        found = found_in(topic, scan(bootstrap, topic), user, user)
        if found.stays:
            raise NotForgotten(f"{found.place}: {found.told}  Change capture is seconds behind; then say this again")


def look(bootstrap: str, user: str, pseudonym: str) -> Iterator[Finding]:
    """What each topic that tells of people still has."""
    for topic in PERSONAL:
        yield found_in(topic, scan(bootstrap, topic), user, pseudonym)


def found_in(topic: Topic, messages: Iterable[Any], user: str, pseudonym: str) -> Finding:
    """What messages of a topic, in the order of each key, say of a user."""
    id_, pseudonym_ = word(user), word(pseudonym)
    named = unnamed = 0
    newest: Counter[bytes] = Counter()
    for message in messages:
        key, value = message.key or b"", message.value or b""
        text = key + b"\n" + (_original(value) if topic is DEAD_LETTERS else value)
        is_named = bool(id_.search(text))
        named += is_named
        unnamed += bool(pseudonym_.search(text))
        if topic in ROW_STAYS:
            newest[key] = is_named and bool(value) and DELETED not in value
    place = f"topic {topic.name}"
    gone = f"gone within {(topic.gone_within_ms or 0) // DAY_MS} days"
    if any(newest.values()):
        return Finding(place, ROW_STAYS[topic], stays=True)
    if named and topic.personal is Personal.PSEUDONYM:
        return Finding(place, f"{_records(named)} written past the REST API, under the id itself; {gone}", stays=True)
    if named:
        return Finding(place, f"{_records(named)} with the id, {gone}")
    if unnamed:
        return Finding(place, f"{_records(unnamed)} of somebody whom nobody can name any more, {gone}")
    return Finding(place, "nothing")


def _original(value: bytes) -> bytes:
    """A dead letter with the bytes that it is about, which its JSON holds encoded."""
    try:
        letter = read_record(DEAD_LETTERS.name, value)
    except UnreadableRecord:
        return value
    assert isinstance(letter, DeadLetter)  # noqa: S101  # of this topic
    return value + b"\n" + (letter.original or b"")


def _records(many: int) -> str:
    return f"{many:,} record{'s' * (many != 1)}"
