"""Which fields name a person: of records, of rows of tables, of payloads that are none of these, and of log lines.

An id is looked for in these fields only. `17` is a customer, a tenure, a port and a part of `10:17:03`.
"""

from schemas.topics import CUSTOMERS, DEVICES, TOPICS, Topic

PERSONAL_FIELDS = frozenset({"user", "userid", "customer", "customerid", "owner", "ownerid"})
"""As `normalised` gives them: `customer_id`, `customerId` and `Customer-ID` are one field."""

ROW_FIELDS = {CUSTOMERS.name: frozenset({"customerid"}), DEVICES.name: frozenset({"owner"})}
"""Of tables of the company's database, whose other columns are the company's own: `owner` of a row of `customers` may
say whether somebody owns a house."""

KEYED_BY_PERSON = frozenset(topic.name for topic in TOPICS if topic.key in ("user", "customer", "customer_id"))
"""Topics whose key is a person's id or pseudonym."""


def normalised(field: str) -> str:
    """A field's name without the differences that writers make.

    >>> normalised("Customer-ID"), normalised("userId")
    ('customerid', 'userid')
    """
    return "".join(character for character in field.casefold() if character not in "_- ")


def fields_of(topic: Topic) -> frozenset[str]:
    """Those that name a person in a record of the topic."""
    return ROW_FIELDS.get(topic.name, PERSONAL_FIELDS)
