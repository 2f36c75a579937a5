"""Ids of users as applications have them, for property tests: numbers, any text, prefixes of one another."""

import json

from hypothesis import strategies as st

MAX_CHARACTERS = 256
"""Of an owner in `devices`; the REST API takes 200."""

ALIKE = ("17", "170", "1", "7", "017", "17.0", "1e1", "-17", "u-17", "U-17", "u-170", "17 ", "true", "null", "None")
ODD = ('a"b', "O'Brien", "O''Brien", "x\\", "100%", ".*", "[17]", "(17)", "$1", "a b", "a,b", "Zoë", "Zoe\u0308",
       "用户17", "😀17", "line\nbreak", "'17'", '"17"', "a/b", "17;", "user=17", "\u2028")  # fmt: skip

texts = st.text(st.characters(blacklist_categories=["Cs"]), min_size=1, max_size=MAX_CHARACTERS)
ids = st.sampled_from(ALIKE + ODD) | st.integers(0, 10**12).map(str) | texts
long_ids = st.sampled_from(["x", "7", "é", "😀", '"', "\\"]).map(lambda character: character * MAX_CHARACTERS)
any_ids = ids | long_ids
two_ids = st.tuples(any_ids, any_ids).filter(lambda pair: pair[0] != pair[1])
"""Of the user, and of somebody else."""


def is_whole_number(id_):
    return id_.isascii() and id_.isdigit() and str(int(id_)) == id_


def as_json(id_, as_number):
    """The id as a writer with numbers, or with texts, puts it into JSON."""
    return int(id_) if as_number and is_whole_number(id_) else id_


def dumped(value, ensure_ascii):
    return json.dumps(value, ensure_ascii=ensure_ascii)
