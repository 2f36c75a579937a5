"""The dead letter of a record that is set aside, where no replay of it would be right."""

import time

from jobs.operators.quarantine import Quarantined
from models.refused import Refused, dead_letter
from schemas.reject_reasons import RejectReason


def quarantined_letter(done: Quarantined[bytes], key: str | None, original: bytes, job: str) -> tuple[bytes, bytes]:
    """Key and JSON; first seen now."""
    now_ms = time.time_ns() // 1_000_000
    return dead_letter(Refused(RejectReason.QUARANTINED, done.detail, *done.position, now_ms, key, original), job)
