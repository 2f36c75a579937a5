"""Transactions that an earlier run of a job left open, aborted before the job starts afresh.

They end by themselves only after `HEADRACE_JOB_TRANSACTION_TIMEOUT_MS` (24 h), and until then readers of committed
records stop in front of them. A job that starts from a savepoint or checkpoint needs them: it commits them.
"""

from collections.abc import Callable, Sequence

from connectors.kafka.transactions import OpenTransaction, abort, open_transactions
from jobs.names import transactional_id_prefix


def abort_orphans(jobs: Sequence[str], bootstrap: str, report: Callable[[str], None]) -> None:
    """Abort what earlier runs of these jobs left open; `report` gets a line for each. None of the jobs may be running.

    Raises
    ------
    KafkaClientError
        When Kafka does not answer or refuses.
    """
    orphans = open_transactions(bootstrap, [transactional_id_prefix(job) for job in jobs])
    abort(bootstrap, orphans)
    for orphan in orphans:
        report(_sentence(orphan))


def _sentence(orphan: OpenTransaction) -> str:
    where = ", ".join(orphan.partitions) or "no partition yet"
    return f"aborted transaction {orphan.id}, which an earlier run left open in {where}"
