r"""A person's id in text that is no JSON: log lines, and payloads that are cut off or otherwise malformed.

The id counts as the value of a personal field, in one of these forms, and nowhere else:

* `user=17`, `user: 17`, `"user":"17"`, `'user': '17'`, `\"user\":\"17\"`, `user '17'`, also of a payload that ends
  inside the value; PostgreSQL's `(customer_id)=(17)`;
* a key of Redis (`recommendations:17`, `churn:17`) and a path of the REST API (`/users/17/...`);
* PostgreSQL's words about rows of `customers`: `INSERT INTO customers VALUES ('17', ...)`, `Failing row contains (17,`.
"""

import re
from collections.abc import Collection, Iterator
from functools import lru_cache
from urllib.parse import unquote, unquote_plus

from headrace.privacy.personal_fields import PERSONAL_FIELDS
from schemas.redis_keys import PERSONAL_PATTERNS

_DELIMITERS = r"\s,;&|<>(){}\[\]\"'`"
_TOKEN = re.compile(rf"[^{_DELIMITERS}]*")
_DELIMITER = re.compile(rf"[{_DELIMITERS}]")
_QUOTED = {quote: re.compile(rf"(?:[^\\{quote}]|\\.)*+", re.DOTALL) for quote in "\"'`"}
_SQL = re.compile(r"(?:[^']|'')*+")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_LETTERS = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}

_REDIS_KEYS = "|".join(re.escape(pattern.name) for pattern in PERSONAL_PATTERNS)

_PLAIN = rf"""
    (?<![\w./-]) (?: {_REDIS_KEYS} ) :
    | (?P<path> /users/ )
    | (?i: insert \s+ into \s+ (?:\w+\.)? "?customers"? \s* (?: \( \s* "?customer_id"? [^()]* \) \s* )?
        values \s* \( \s* '? )
    | (?i: relation \s "customers" [^\n]{{0,500}} \n [^\n]{{0,100}} failing \s row \s contains \s \( )
"""
MAX_FORM_LENGTH = 1000
"""Characters of a form without the id."""
_BEFORE = 16
"""Characters before a form that decide whether it is one."""


@lru_cache
def _forms(fields: frozenset[str]) -> "re.Pattern[str]":
    names = "|".join(re.sub("id$", "[_ -]?id", name) for name in sorted(fields, key=len, reverse=True))
    return re.compile(
        rf"""
        # Flink says under which account of the machine it runs:  OS current user: root
        (?<!\w) (?<!current[ ]) (?i:{names}) (?P<after> \\*["'`)\]]? )
        (?: \s{{0,20}} (?: => | [:=] ) \s{{0,20}} | \s{{1,20}} (?= \\* ["'`] ) )
        (?: (?: b | u ) (?=["']) )? (?P<opener> \\*["'`] | \( | )
        | {_PLAIN}
        """,
        re.VERBOSE,
    )


class TextSearch:
    """Looks for one id.

    Examples
    --------
    >>> search = TextSearch("17")
    >>> [search.finds(line) for line in ("refused user=17", 'cut off: {"user":"17', "user '17' is away")]
    [True, True, True]
    >>> [search.finds(line) for line in ("10:17:03 tenure=17", "user=170", "port 17", "customers: 17")]
    [False, False, False, False]
    """

    def __init__(self, id_: str, fields: Collection[str] = PERSONAL_FIELDS) -> None:
        self._id = id_
        self._forms = _forms(frozenset(fields))

    @property
    def overlap(self) -> int:
        """Characters at the end of a piece of text that the next piece has to begin with."""
        return MAX_FORM_LENGTH + self._longest

    def finds(self, text: str, *, begins: bool = True, ends: bool = True) -> bool:
        """`begins` and `ends`: whether the text begins and ends there, and is not a piece of a longer one."""
        place = 0
        while form := self._forms.search(text, place):
            if (begins or form.start() > _BEFORE) and self._is_value(text, form, ends):
                return True
            place = self._behind(text, form)
        return False

    def _behind(self, text: str, form: "re.Match[str]") -> int:
        """Behind a value that JSON has in quotes: an id may be `user=17`. Other quotes may be apostrophes."""
        opener, start = form["opener"] or "", form.end()
        if len(opener) == 1 and opener != "(" and form["after"] == opener:
            end = _matched(_QUOTED[opener], text, start, start + max(self._longest, MAX_FORM_LENGTH))
            return end if text.startswith(opener, end) else start
        return start

    def _is_value(self, text: str, form: "re.Match[str]", ends: bool) -> bool:
        opener, start = form["opener"] or "", form.end()
        if opener == "(":
            return text.startswith(self._id + ")", start)
        if opener:
            return self._is_quoted(text, start, opener, ends)
        return self._is_plain(text, start, ends, is_path=form["path"] is not None)

    def _is_quoted(self, text: str, start: int, opener: str, ends: bool) -> bool:
        stop = start + self._longest
        if len(opener) > 1:  # JSON in a text of JSON
            outer, inner = text[start - len(opener) : stop], _unescaped(opener)
            return self._is_quoted(_unescaped(outer), len(inner), inner, ends and stop >= len(text))
        if opener == "'" and "''" in (doubled := text[start : _matched(_SQL, text, start, stop)]):
            return text.startswith("'", start + len(doubled)) and doubled.replace("''", "'") == self._id
        end = _matched(_QUOTED[opener], text, start, stop)
        is_cut_off = not text.startswith(opener, end)
        if is_cut_off and not (ends and end >= len(text) - 1):
            return False
        return self._id in (text[start:end], _unescaped(text[start:end]))

    def _is_plain(self, text: str, start: int, ends: bool, is_path: bool) -> bool:
        end = _matched(_TOKEN, text, start, start + self._longest)
        if (end < len(text) or ends) and self._id in _readings(text[start:end], is_path):
            return True
        if _DELIMITER.search(self._id) is None or not text.startswith(self._id, start):
            return False
        end = start + len(self._id)
        return ends if end == len(text) else _DELIMITER.match(text, end) is not None

    @property
    def _longest(self) -> int:
        """Characters of the id, each escaped twice, and one more."""
        return 15 * len(self._id) + 1


def texts_of(data: bytes) -> Iterator[str]:
    """What bytes may mean: UTF-8; Latin-1 where they are none; UTF-16 where they have NULs."""
    yield data.decode("utf-8", "surrogateescape")
    if not _is_utf8(data):
        yield data.decode("latin-1")
    if b"\0" in data:
        yield data.decode("utf-16-le", "replace")
        yield data.decode("utf-16-be", "replace")


def may_hold(data: bytes, id_: str) -> bool:
    """False: the bytes do not have the id, in no notation. Much cheaper than to look at their fields."""
    if id_.encode() in data or any(escape in data for escape in (b"\\", b"\0", b"%")) or "'" in id_:
        return True
    return not id_.isascii() and not _is_utf8(data)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _readings(token: str, is_path: bool) -> tuple[str, ...]:
    """A token may be followed by the end of a sentence, and encoded as URLs are."""
    if is_path:
        return (unquote(re.split("[/?]", token, maxsplit=1)[0]),)
    return (token, token.rstrip(".:!?"), unquote(token), unquote_plus(token))


def _matched(pattern: "re.Pattern[str]", text: str, start: int, stop: int) -> int:
    found = pattern.match(text, start, stop)
    return start if found is None else found.end()


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    plain = _ESCAPE.sub(_character, text)
    # A character beyond the first 65,536 is two escapes in JSON.
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _character(escape: "re.Match[str]") -> str:
    code, byte, letter = escape.groups()
    return chr(int(code or byte, 16)) if code or byte else _LETTERS.get(letter, letter)
