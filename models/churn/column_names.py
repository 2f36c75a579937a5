"""Names of columns as words: CustomerID, customer_id and CUSTOMER-ID are `customer` and `id`."""

import re

_WORD = re.compile(r"[A-ZÄÖÜ]+(?![a-zäöüß])|[A-ZÄÖÜ]?[^\W\d_A-ZÄÖÜ]+|\d+")


def words(name: str) -> list[str]:
    """In lower case, in order."""
    return [word.lower() for word in _WORD.findall(name)]


def word_set(text: str) -> frozenset[str]:
    """What white space separates: a long list of words is easier to read as text."""
    return frozenset(text.split())


def tokens(name: str) -> frozenset[str]:
    """The words without their order."""
    return frozenset(words(name))
