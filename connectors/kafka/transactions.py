"""Transactions that a dead producer has left open: found by what their ids begin with, and aborted.

A reader of committed records stops at the first offset of an open transaction until it ends, or until its
timeout (24 h for our jobs). A job that resumes from a checkpoint commits those of its last run by itself. One
that starts afresh has no memory of them.
"""

from collections.abc import Collection
from dataclasses import dataclass

from kafka import KafkaAdminClient
from kafka.admin import TransactionState
from kafka.errors import KafkaError, TransactionalIdNotFoundError

from connectors.kafka.clients import KafkaClientError, admin_client, transactional_producer
from schemas.errors import TerminalError


class NotAborted(KafkaClientError, TerminalError):
    """Raised where Kafka refuses to list or to end a transaction; the message has its words.

    Terminal: a right is missing, or the broker is too old.
    """


@dataclass(frozen=True)
class OpenTransaction:
    """One transactional id that has begun, and neither committed nor aborted.

    Parameters
    ----------
    id
        The transactional id.
    partitions
        `topic-partition` of each partition that waits for it, sorted.
    """

    id: str
    partitions: tuple[str, ...]


def open_transactions(bootstrap: str, prefixes: Collection[str]) -> list[OpenTransaction]:
    """Those whose id begins with one of `prefixes`, sorted by id.

    Raises
    ------
    KafkaUnavailable
        When no broker answers.
    NotAborted
        When one refuses.
    """
    with admin_client(bootstrap) as admin:
        try:
            return [found for id_ in _open_ids(admin, prefixes) if (found := _described(admin, id_))]
        except KafkaError as error:
            raise NotAborted(f"Kafka does not list its open transactions: {error}") from error


def abort(bootstrap: str, transactions: Collection[OpenTransaction]) -> None:
    """Abort them and shut their producers out, as a new producer of the same id does [1]_. Nobody may be writing them.

    The other way, an abort marker written by an administrator, ends a transaction in its partitions only: the
    coordinator goes on to think that it is open.

    Raises
    ------
    KafkaUnavailable
        When no broker answers.
    NotAborted
        When one refuses.

    .. [1] KIP-98, Exactly Once Delivery and Transactional Messaging, section 2, "Getting a producer Id".
    """
    for transaction in transactions:
        successor = transactional_producer(bootstrap, client_id="headrace-abort", transactional_id=transaction.id)
        try:
            successor.init_transactions()
        except KafkaError as error:
            raise NotAborted(f"transaction {transaction.id} cannot be aborted: {error}") from error
        finally:
            successor.close()


def _open_ids(admin: KafkaAdminClient, prefixes: Collection[str]) -> list[str]:
    # The value, not the member: kafka-python 3.0.12 sends a member as another word, and the list is empty.
    by_broker = admin.list_transactions(state_filters=[TransactionState.ONGOING.value])
    # Filtered here: brokers before 4.1 take no pattern.
    ids = {listing.transactional_id for listings in by_broker.values() for listing in listings}
    return sorted(id_ for id_ in ids if id_.startswith(tuple(prefixes)))


def _described(admin: KafkaAdminClient, id_: str) -> OpenTransaction | None:
    try:
        description = admin.describe_transactions([id_])[id_]
    except TransactionalIdNotFoundError:
        return None  # ended, and forgotten, since it was listed
    if description.state != TransactionState.ONGOING:
        return None
    partitions = (f"{each.topic}-{each.partition}" for each in sorted(description.topic_partitions))
    return OpenTransaction(id_, tuple(partitions))
