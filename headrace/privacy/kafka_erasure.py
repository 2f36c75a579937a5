"""A user in Kafka's topics: told of as forgotten, waited for, looked for."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from connectors.kafka.clients import KafkaClientError, confirmed, producer
from connectors.kafka.log import KafkaLog
from connectors.kafka.scan import scan
from headrace.errors import NotForgotten
from headrace.polling import wait_until
from headrace.privacy.finding import Finding
from headrace.privacy.named_records import NamedRecords, is_deleted
from jobs.names import consumer_group
from schemas.forgotten_user import ForgottenUser
from schemas.personal import Personal
from schemas.topics import (
    CUSTOMERS,
    DAY_MS,
    DEVICES,
    TOPICS,
    USERS_FORGOTTEN,
    Topic,
)

GROUP = consumer_group("recommend_items")
LEARNED_WITHIN_S = 120.0
AGAIN = "Run the command again when Kafka is available"
PERSONAL = tuple(topic for topic in TOPICS if topic.personal is not Personal.NO and topic is not USERS_FORGOTTEN)
ROW_STAYS = {
    CUSTOMERS: "the row is in the database. Delete it there:  DELETE FROM customers WHERE customer_id = ...",
    DEVICES: "the database names an owner. Change it there:  UPDATE devices SET owner = NULL WHERE owner = ...",
}
"""Change capture would send such a row again, so it has to go from the database first."""


class UserTopics:
    """The topics that tell of people, at one address. All raise KafkaClientError when Kafka is unavailable."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap

    def announce(self, pseudonym: str) -> int:
        """Write the user to `users.forgotten`; the offset, once Kafka has confirmed it."""
        record = ForgottenUser(user=pseudonym, forgotten_at=time.time_ns() // 1_000_000)
        client = producer(self._bootstrap, client_id="headrace-forget", give_up_after_ms=20_000)
        try:
            sent = client.send(USERS_FORGOTTEN.name, key=pseudonym.encode(), value=record.model_dump_json().encode())
            return int(confirmed([sent], 20)[0].offset)
        except KafkaClientError as error:
            raise NotForgotten(f"Kafka does not store the request ({error}). Nothing was erased. {AGAIN}") from error
        finally:
            client.close()

    def wait_for_the_recommender(self, offset: int, is_running: Callable[[], bool]) -> Finding:
        """Return once a checkpoint of recommend_items knows whom not to keep.

        Raises
        ------
        NotForgotten
        NotWithin
        """
        place = "state of recommend_items"
        partition = (USERS_FORGOTTEN.name, 0)
        with KafkaLog.connect(self._bootstrap) as log:
            if not any(group == GROUP for group, _ in log.group_offsets([GROUP])):
                return Finding(place, "it never ran")
            if not is_running():
                raise NotForgotten(
                    "recommend_items does not run, and its state knows the user. "
                    "Submit it, then run the command again:  headrace submit recommend_items"
                )
            wait_until(
                "a checkpoint of recommend_items that knows of it",
                lambda: log.group_offsets([GROUP]).get((GROUP, partition), 0) > offset,
                LEARNED_WITHIN_S,
            )
        return Finding(place, "a checkpoint was taken without the user")

    def require_no_row(self, user: str) -> None:
        """Check that the database has no row of the user, as far as change capture has read it.

        Raises
        ------
        NotForgotten
            When it has one.
        """
        for topic in ROW_STAYS:
            found = found_in(topic, scan(self._bootstrap, topic), user, user)
            if found.stays:
                raise NotForgotten(
                    f"{found.place}: {found.result}  Change capture follows within seconds; then run the command again"
                )

    def look(self, user: str, pseudonym: str) -> Iterator[Finding]:
        """What each topic that tells of people still has."""
        for topic in PERSONAL:
            yield found_in(topic, scan(self._bootstrap, topic), user, pseudonym)


def found_in(topic: Topic, messages: Iterable[Any], user: str, pseudonym: str) -> Finding:
    """What messages of a topic, in the order of each key, say of a user."""
    records = NamedRecords(topic, {user, pseudonym})
    named = unnamed = 0
    rows_of_user: set[bytes] = set()
    for message in messages:
        key, value = message.key or b"", message.value or b""
        ids = records.ids_named_by(key, value)
        named += user in ids
        unnamed += pseudonym in ids
        if topic in ROW_STAYS and user in ids and value and not is_deleted(value):
            rows_of_user.add(key)
        else:
            rows_of_user.discard(key)
    result = _summary(topic, named, unnamed, has_row=bool(rows_of_user))
    if records.searched_as_text:
        result += f"; payloads that are not JSON, searched as text: {records.searched_as_text:,}"
    return Finding(f"topic {topic.name}", result, stays=bool(rows_of_user or _is_past_the_api(topic, named)))


def _summary(topic: Topic, named: int, unnamed: int, has_row: bool) -> str:
    gone = f"gone within {(topic.gone_within_ms or 0) // DAY_MS} days"
    if has_row:
        return ROW_STAYS[topic]
    if _is_past_the_api(topic, named):
        return f"{_records(named)} written past the REST API, under the id itself; {gone}"
    if named:
        return f"{_records(named)} with the id, {gone}"
    if unnamed:
        return f"{_records(unnamed)} of somebody whom nobody can name any more, {gone}"
    return "nothing"


def _is_past_the_api(topic: Topic, named: int) -> bool:
    return named > 0 and topic.personal is Personal.PSEUDONYM


def _records(many: int) -> str:
    return f"{many:,} record{'s' * (many != 1)}"
