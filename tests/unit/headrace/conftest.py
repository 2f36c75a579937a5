"""An empty ledger, and topics that write into it."""

import pytest

from headrace.reconciliation.ledger import LedgerFile
from tests.unit.headrace.balance_topics import Topics


@pytest.fixture
def ledger():
    with LedgerFile().balance() as ledger:
        yield ledger


@pytest.fixture
def topics(ledger):
    return Topics(ledger)
