"""Columns that name a row and say nothing of it: customer numbers, e-mail addresses, hashes, row numbers.

A value of its own in (nearly) every row is what all of them have. Measurements have that too, by chance or because
they are exact: a balance, a salary. So text needs nothing more, a number needs to be whole, and beyond that a name
that says so or a pattern that measurements do not have.
"""

import numpy as np
import pandas as pd

from models.churn.column_names import word_set, words
from models.churn.number_text import is_missing_number

DISTINCT_SHARE = 0.9
NAMED_SHARE = 0.5
"""Of a column named as an identifier: a customer may have several rows."""
MIN_NAMED_VALUES = 50
MIN_ROWS = 100
"""Under so many rows distinct whole numbers are chance."""
MIN_COUNTED = 20
ID_DIGITS = 8
"""Whole numbers that all have so many digits are no measurement: it would have smaller ones among them."""
EXPECTED_COPIES = 8
"""If as many rows drawn at random would share a value, and none does, the values were handed out."""
FREE_TEXT_WORDS = 4

_IDS = word_set(
    """
    id ids uuid guid key pk oid sid cid uid msisdn imsi imei iccid iban ssn email mail hash
    """
)
_PARTIES = word_set(
    """
    customer client account acct user member subscriber policy contract card phone mobile telephone telefon tel
    msisdn kunden kunde klant cliente klient konto compte abonne cust login username subscription order invoice
    case record device serial reference ref person employee patient passenger household
    """
)
_NUMBERS = word_set(
    """
    no nr num number nbr nummer numero número numéro code ref index idx token handle serial
    """
)
_ROWS = word_set(
    """
    row rownumber rownum rowid index idx unnamed record obs observation lfd
    """
)
_MEASURES = word_set(
    """
    age alter amount amt balance betrag bill calls charge charges clicks cost costs count data days debt distance
    duration einkommen fee gehalt hours income kosten length limit logins messages minutes months orders payment
    payments points population preis price profit purchases quantity rate ratio revenue salary sales score seconds
    size spend spending sum tenure total transactions trx umsatz usage value visits volume weeks weight worth
    years of per avg average mean max min jahre monate tage stunden anzahl menge summe saldo rechnung edad âge ans
    mois jours prix montant solde importe precio ingresos leeftijd bedrag
    """
)


def is_named_as_identifier(name: str) -> bool:
    """CustomerID, id_client, Kundennummer, account, CLIENTNUM, phone; not account_balance or number_of_calls."""
    named = words(name)
    if not named:
        return False
    if named[-1] in _IDS or named[0] in _IDS or is_row_number(name):
        return True
    if _MEASURES & set(named):
        return False
    if _names_a_number(named[-1]):
        return True
    return named[-1] in _PARTIES or (len(named) > 1 and named[0] in _NUMBERS and named[-1] in _PARTIES)


def _is_named_after_customers(name: str) -> bool:
    """customer_id, account_no: such a column names customers however many rows each of them has."""
    named = words(name)
    return len(named) > 1 and named[-1] in _IDS | {"no", "nr", "number"} and named[-2] in _PARTIES


def _names_a_number(word: str) -> bool:
    endings = ("nummer", "number", "num", "nr", "uuid", "guid")
    compound = any(word == f"{party}{end}" for party in _PARTIES for end in ("id", "no", "key", "code", "ref"))
    return word in _NUMBERS or word.endswith(endings) or compound


def is_row_number(name: str) -> bool:
    """RowNumber, index, Unnamed: 0: what a program added."""
    named = words(name)
    return bool(named) and named[0] in _ROWS and set(named) <= _ROWS | _NUMBERS | _IDS | {"0"}


def is_identifier_text(cells: pd.Series) -> bool:
    """Whether a column of text names its rows."""
    filled = cells[~cells.map(is_missing_number)]
    return len(filled) > 0 and _is_distinct(str(cells.name), filled)


def _is_distinct(name: str, filled: pd.Series) -> bool:
    distinct = int(filled.nunique())
    if distinct > DISTINCT_SHARE * len(filled):
        return True
    if _is_named_after_customers(name):
        return distinct > MIN_NAMED_VALUES
    return distinct > max(NAMED_SHARE * len(filled), MIN_NAMED_VALUES) and is_named_as_identifier(name)


def is_free_text(cells: pd.Series) -> bool:
    """Sentences: they are of the row alone, but nobody calls a customer by them."""
    return float(cells.map(lambda cell: cell.count(" ")).median()) >= FREE_TEXT_WORDS


def is_identifier_number(cells: pd.Series, numbers: pd.Series) -> bool:
    """Whether a column of numbers names its rows. `numbers`: the cells', NaN where there is none."""
    name, filled = str(cells.name), numbers.dropna()
    if not len(filled) or (filled % 1 != 0).any() or (filled < 0).any():
        return False
    written = cells[numbers.notna()]
    if is_named_as_identifier(name):
        return _is_distinct(name, written)
    if written.nunique() < len(written) or len(filled) < MIN_COUNTED:
        return False
    if _MEASURES & set(words(name)):
        return False
    return _is_regular(filled) or (len(filled) >= MIN_ROWS and _is_handed_out(filled))


def _is_regular(filled: pd.Series) -> bool:
    """Every number from the first to the last, or every hundredth, in any order."""
    return len(set(np.diff(np.sort(filled.to_numpy())).tolist())) == 1


def _is_handed_out(filled: pd.Series) -> bool:
    """Of distinct whole numbers: a pattern that measurements do not have."""
    if filled.is_monotonic_increasing or filled.is_monotonic_decreasing:
        return True
    low, high = float(filled.min()), float(filled.max())
    if low >= 10 ** (ID_DIGITS - 1) and len(str(int(low))) == len(str(int(high))):
        return True
    return len(filled) ** 2 / (2 * (high - low + 1)) >= EXPECTED_COPIES


def best_identifier(candidates: list[pd.Series]) -> str | None:
    """Which of these a person would call a customer by: by name, then filled in most rows, then the first."""

    def rank(cells: pd.Series) -> tuple[int, float]:
        name = str(cells.name)
        named = words(name)
        party = any(word.startswith(party) for word in named for party in _PARTIES)
        if is_row_number(name):
            place = 3
        elif is_named_as_identifier(name):
            place = 0 if party else 1
        else:
            place = 1 if party else 2
        return place, float(cells.map(is_missing_number).mean())

    return str(min(candidates, key=rank).name) if candidates else None
