"""All that `headrace forget` does, in an order in which it can be ended anywhere and begun anew.

The key goes last: until then the user's pseudonym can be made again, and with it whatever was not done yet be done.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from connectors.endpoints import Endpoints
from connectors.pseudonyms import KEY_FILE, read_key
from headrace.privacy import in_files, in_kafka, in_stores
from headrace.privacy.finding import Finding
from headrace.stack.layout import Layout
from headrace.stack.pseudonym_key import destroy_key_of
from headrace.submission import SubmissionFailed, running_jobs

JOB = "recommend_items"


@dataclass(frozen=True)
class Table:
    """A file to train on, and which column of it names users."""

    path: Path
    column: str


def forget(layout: Layout, endpoints: Endpoints, user: str, tables: Sequence[Table]) -> Iterator[Finding]:
    """What each place has left, as it is looked at. Raises NotForgotten, Unreachable, NotWithin, PseudonymsError."""
    path = layout.settings.secrets / KEY_FILE
    pseudonym = read_key(path).pseudonym(user)
    in_kafka.require_no_row(endpoints.kafka, user)
    offset = in_kafka.tell(endpoints.kafka, pseudonym)
    yield in_kafka.wait_for_the_recommender(endpoints.kafka, offset, lambda: _runs(endpoints.flink))
    yield in_stores.remove_from_redis(endpoints, user, pseudonym)
    yield in_stores.remove_from_influxdb(endpoints, user)
    for table in tables:
        yield in_files.remove_from_table(table.path, table.column, user, pseudonym)
    destroy_key_of(layout, user)
    is_destroyed = read_key(path).pseudonym(user) != pseudonym
    yield Finding("key", "destroyed: nobody can make the pseudonym again", stays=not is_destroyed)
    yield from in_kafka.look(endpoints.kafka, user, pseudonym)
    yield in_files.look_in_folder("logs", layout.home / "log", user)
    yield in_files.look_in_folder("models", layout.home / "models", user)


def _runs(flink: str) -> bool:
    try:
        return JOB in running_jobs(flink)
    except SubmissionFailed:
        return False
