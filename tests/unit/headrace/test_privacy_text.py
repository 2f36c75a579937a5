"""An id in text counts as the value of a personal field, and nowhere else."""

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from headrace.privacy.file_erasure import look_in_folder
from headrace.privacy.text_ids import TextSearch
from tests.unit.headrace.user_ids import ALIKE, dumped, two_ids

NAMING = [
    "refused user=17", "user=17, item=3", "user: 17", "user 17 '17' user '17'", 'user "17"', "customer_id => 17",
    '{"user":"17"', '{"user" : 17,', "{'user': '17'}", r'said {\"user\":\"17\"}', "user=17.", "(user=17)", "user=b'17'",
    "Key (customer_id)=(17) already exists.", "Struct{customer_id=17,tenure=3}",
    'COPY customers, column customer_id: "17"',
    "STATEMENT:  INSERT INTO customers VALUES ('17', 3)",
    "insert into public.customers (customer_id, x) values ( 17, 3)",
    "DELETE FROM customers WHERE customer_id = '17'", "UPDATE devices SET owner='17'", "GET /users/17/recommendations",
    "SET recommendations:17 {}", "Command # 1 (EVALSHA 1f 2 churn:17 churn-deleted:17 3)", "userId=17", "USER=17",
    'new row for relation "customers" violates check constraint\nDETAIL:  Failing row contains (17, 3).',
]  # fmt: skip
NAMING_NOBODY = [
    "10:17:03", "2026-11-30 10:17:03,017 INFO 17 records", "port 17", "offset=17", "tenure=17",
    "customers: 17", "users=17",
    "user=170", "user=u-17", "user=17.0", "user=017", "user=1", "user=-17", 'user="17 "', "last_user=17", "user 17",
    "Set uid to user 17 succeeded", "OS current user: 17", "user: 10:17:03", "user.id.length=17", "(customer_id)=(170)",
    "INSERT INTO items VALUES ('17')", "INSERT INTO customers (tenure, customer_id) VALUES (17, 3)", "/users/170/x",
    "/items/17", "score_churn:17", "a.churn:17", "owner='17''x'", r"user='17\'x'", "user's 17",
    "customer (17)", "user=17%",
    "ephemeralOwner=17", 'relation "items"\nDETAIL:  Failing row contains (17, 3).',
]  # fmt: skip


@pytest.mark.parametrize("line", NAMING)
def test_a_field_of_a_line_names_the_user(line):
    assert TextSearch("17").finds(line)


@pytest.mark.parametrize("line", NAMING_NOBODY)
def test_what_is_no_personal_field_with_the_whole_id_names_nobody(line):
    assert not TextSearch("17").finds(line)


IN_JSON = ('{{"user":{}', '"customer_id" : {},')


@given(two_ids, st.booleans(), st.sampled_from([*IN_JSON, "owner {}", "userId={}&x=1"]))
def test_quoted_ids_of_the_user_are_found_and_those_of_others_are_not(pair, ensure_ascii, form):
    user, other = pair
    assume(form in IN_JSON or "user=17" not in pair)  # outside of JSON, this id is a field in a text
    assert TextSearch(user).finds(form.format(dumped(user, ensure_ascii)))
    assert not TextSearch(user).finds(form.format(dumped(other, ensure_ascii)))


@given(two_ids)
def test_ids_in_json_in_a_text_are_found_and_those_of_others_are_not(pair):
    user, other = pair
    search = TextSearch(user)
    assert search.finds("said " + dumped(dumped({"user": user}, True), True))
    assert not search.finds("said " + dumped(dumped({"user": other, "tenure": user}, True), True))


@given(two_ids)
def test_ids_in_sql_are_found_and_those_of_others_are_not(pair):
    user, other = pair
    assume(not any("\\" in id_ or id_ in ("user=17", "'17'") for id_ in pair))
    assert TextSearch(user).finds("owner = '{}';".format(user.replace("'", "''")))
    assert not TextSearch(user).finds("owner = '{}';".format(other.replace("'", "''")))


plain = st.sampled_from([each for each in ALIKE if " " not in each]) | st.from_regex(
    re.compile(r"[\w+*#@~^=$.-]*[\w+*#@~^=$-]"), fullmatch=True
)


@given(plain, plain, st.sampled_from(["user={}", "user={}, x", "customer_id: {}\n", "({{owner={}}})", "user={}: gone"]))
def test_ids_without_quotes_are_whole_tokens(user, other, form):
    assert TextSearch(user).finds(form.format(user))
    assert TextSearch(user).finds(form.format(other)) is (user == other)


PIECE_BYTES = 20_000


@pytest.mark.parametrize("user", ["17", "Zoë", 'a"b', "x" * 256, "😀" * 256])
def test_a_long_file_names_the_user_wherever_its_pieces_are_cut(tmp_path, user):
    line = f'refused {{"user":{dumped(user, False)}}} at last\n'.encode()
    log = tmp_path / "job.log"
    for before in range(0, len(line), max(1, len(line) // 60)):
        log.write_bytes(b"." * (PIECE_BYTES - before - 1) + b" " + line + b"." * PIECE_BYTES)
        assert look_in_folder("logs", tmp_path, user, PIECE_BYTES).stays


@pytest.mark.parametrize(
    "line", [b"last_user=17 x", b"user=170 x", b'user="17 " x', b"current user: 17", b"x.churn:17"]
)
def test_a_cut_between_pieces_makes_no_other_field_and_no_shorter_id(tmp_path, line):
    log = tmp_path / "job.log"
    for before in range(len(line) + 1):
        for overlapped in (0, 4 * TextSearch("17").overlap):
            log.write_bytes(b" " * (PIECE_BYTES - before - overlapped) + line + b" " * (PIECE_BYTES + overlapped))
            assert look_in_folder("logs", tmp_path, "17", PIECE_BYTES).result == "nothing"
