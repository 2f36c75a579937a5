"""What test_score_churn_crash.py sends, and the key. In a module of its own: workers import it by its name."""

import json
from pathlib import Path

from connectors.pseudonym_key import PseudonymKey
from schemas.usage_features import NO_USAGE
from tests.raw_messages import NOW_MS

RECORDS, CUSTOMERS = 500, 13
USED = "usage_readings_7d"

KEY = PseudonymKey({"": bytes(32)})
pseudonym_of = KEY.pseudonym


def is_row(number: int) -> bool:
    return number % 3 > 0


def customer(number: int) -> str:
    return f"{number % CUSTOMERS}"


def key(number: int) -> str:
    """Of the record at an offset: rows are the customer's, usage the pseudonym's."""
    return customer(number) if is_row(number) else pseudonym_of(customer(number))


def key_file(folder: Path) -> Path:
    """The key that `pseudonym_of` goes by, as a job finds it."""
    path = folder / "key"
    path.write_text(KEY.text())
    return path


def sent(number: int) -> bytes | None:
    """The record at an offset: mostly a row or usage; some deletions, tombstones, and what is neither."""
    if number % 50 == 31:
        return b"{" if number % 100 == 31 else None
    if not is_row(number):
        record = {
            "schema_version": 1,
            "customer": pseudonym_of(customer(number)),
            "as_of": NOW_MS,
            "features": NO_USAGE,
        }
        return json.dumps(record | {"features": NO_USAGE | {USED: number % 90}}).encode()
    columns = {"contract": "year" if number % 2 else "month", "months": number % 60, "bill": number / 10}
    deleted = "true" if number % 40 == 25 else "false"
    return json.dumps({"__source_ts_ms": NOW_MS + number, "__deleted": deleted, **columns}).encode()
