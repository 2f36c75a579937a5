"""The pseudonyms of the jobs are those of the REST API: two languages, one key."""

import pytest

from connectors.pseudonym_key import PseudonymKey
from flink.functions import register_pseudonym, text_literal

USERS = ["ann", "Zoë", "日本", "a b", "'", "x" * 200, "👩‍🚀", "7590-VHVEG", *(f"u-{n}" for n in range(300))]


def pseudonyms_in_sql(environment, key, users):
    tables = environment("pseudonymise")
    given = tables.from_elements([(user, f"row of {user}") for user in users], ["customer", "row"])
    register_pseudonym(tables)
    tables.create_temporary_view("given", given)
    made = tables.sql_query(f"SELECT customer, `row`, PSEUDONYM(customer, {text_literal(str(key))}) FROM given")
    with made.execute().collect() as rows:
        return {row[0]: (row[1], row[2]) for row in rows}


@pytest.mark.parametrize("forgotten", [[], USERS[:3] + USERS[-200:]])
def test_a_job_makes_the_pseudonyms_of_the_door(environment, tmp_path, forgotten):
    key = PseudonymKey.new()
    for user in forgotten:
        key = key.without(user)
    (tmp_path / "key").write_text(key.text())
    found = pseudonyms_in_sql(environment, tmp_path / "key", [*USERS, None])
    assert found.pop(None) == ("row of None", None)
    assert found == {user: (f"row of {user}", key.pseudonym(user)) for user in USERS}


def test_without_a_key_the_job_fails_and_says_what_to_do(environment, tmp_path):
    with pytest.raises(Exception, match=r"There is no key for pseudonyms in .* Make it:  headrace up"):
        pseudonyms_in_sql(environment, tmp_path / "none", ["ann"])


def test_a_file_that_is_no_key_fails_the_job(environment, tmp_path):
    (tmp_path / "key").write_text("something else\n")
    with pytest.raises(Exception, match="is no key for pseudonyms"):
        pseudonyms_in_sql(environment, tmp_path / "key", ["ann"])
