"""All that `headrace privacy forget` does, in an order that can be interrupted anywhere and started again.

The key goes last: until then the user's pseudonym can be made again, and with it whatever was not done yet be done.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from connectors.endpoints import Endpoints
from connectors.flink_rest import FlinkUnavailable
from connectors.kafka.clients import KafkaClientError
from connectors.pseudonyms import KEY_FILE, PseudonymsError, read_key
from headrace.errors import NotForgotten
from headrace.privacy import file_erasure, store_erasure
from headrace.privacy.finding import Finding
from headrace.privacy.kafka_erasure import UserTopics
from headrace.submission import running_jobs
from stack.layout import Layout
from stack.pseudonym_key import destroy_key_of

JOB = "recommend_items"
SEARCHED_FOLDERS = {"logs": ("log",), "logs of Flink": ("flink", "log"), "models": ("models",), "tables": ("demo",)}
"""Below the home of the stack."""


@dataclass(frozen=True)
class TrainingTable:
    """A file to train on, and which column of it names users."""

    path: Path
    column: str


class Topics(Protocol):
    """What is asked of Kafka; `kafka_erasure.UserTopics` is the real one."""

    def require_no_row(self, user: str) -> None: ...
    def announce(self, pseudonym: str) -> int: ...
    def wait_for_the_recommender(self, offset: int, is_running: Callable[[], bool]) -> Finding: ...
    def look(self, user: str, pseudonym: str) -> Iterator[Finding]: ...


def forget(
    layout: Layout, endpoints: Endpoints, user: str, tables: Sequence[TrainingTable], topics: Topics | None = None
) -> Iterator[Finding]:
    """What each place has left, as it is looked at.

    Only once every place is done is the key destroyed, and all that can name the user searched. A store that is
    unavailable is a finding, and does not keep the others from being done.

    Raises
    ------
    NotForgotten
    NotWithin
    """
    _require_id(user)
    try:
        yield from _forget(layout, endpoints, user, tables, topics or UserTopics(endpoints.kafka))
    except KafkaClientError as error:
        raise NotForgotten(f"{error}. What was erased so far stays erased. Run the command again") from error
    except PseudonymsError as error:
        raise NotForgotten(str(error)) from error


def _forget(
    layout: Layout, endpoints: Endpoints, user: str, tables: Sequence[TrainingTable], topics: Topics
) -> Iterator[Finding]:
    path = layout.settings.secrets / KEY_FILE
    pseudonym = read_key(path).pseudonym(user)
    topics.require_no_row(user)
    offset = topics.announce(pseudonym)
    yield topics.wait_for_the_recommender(offset, lambda: _runs(endpoints.flink))
    is_erased = True
    for found in _erase(endpoints, user, pseudonym, tables):
        yield found
        is_erased &= not found.stays
    if not is_erased:
        yield Finding("key", "kept, because the next run needs it for what could not be erased", stays=True)
        return
    destroy_key_of(layout, user)
    is_destroyed = read_key(path).pseudonym(user) != pseudonym
    yield Finding("key", "destroyed: nobody can make the pseudonym again", stays=not is_destroyed)
    yield from topics.look(user, pseudonym)
    for place, folder in SEARCHED_FOLDERS.items():
        yield file_erasure.look_in_folder(place, layout.home.joinpath(*folder), user)


def _erase(endpoints: Endpoints, user: str, pseudonym: str, tables: Sequence[TrainingTable]) -> Iterator[Finding]:
    yield store_erasure.remove_from_redis(endpoints, user, pseudonym)
    yield store_erasure.remove_from_influxdb(endpoints, user)
    for table in tables:
        yield file_erasure.remove_from_table(table.path, table.column, user, pseudonym)


def _require_id(user: str) -> None:
    """An empty id is the one that records without a user have: to erase it would erase what is nobody's."""
    if not user:
        raise NotForgotten("The id is empty. Name the user whom you want to forget:  headrace privacy forget USER")
    try:
        user.encode()
    except UnicodeEncodeError as error:
        raise NotForgotten("The id is not UTF-8, and no id of a user is. Check the terminal's encoding") from error


def _runs(flink: str) -> bool:
    try:
        return JOB in running_jobs(flink)
    except FlinkUnavailable:
        return False
