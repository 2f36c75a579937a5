"""The dead letter of a quarantined record, which is never replayed."""

import time

from jobs.operators.quarantine import Quarantined
from schemas.dead_letter import RefusedRecord
from schemas.reject_reasons import RejectReason


def quarantined_dead_letter(
    done: Quarantined[bytes], key: str | None, original: bytes, job: str
) -> tuple[bytes, bytes]:
    """Key and JSON; first seen now."""
    now_ms = time.time_ns() // 1_000_000
    record = RefusedRecord(RejectReason.QUARANTINED, done.detail, *done.position, now_ms, key, original)
    return record.dead_letter(job)
