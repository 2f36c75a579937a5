"""What is found of a user in files and topics, and what of it goes."""

import csv
from types import SimpleNamespace

import pytest
from hypothesis import given

from connectors.pseudonym_key import PseudonymKey
from connectors.pseudonyms import KEY_FILE, read_key
from headrace.errors import NotForgotten
from headrace.privacy.file_erasure import look_in_folder, remove_from_table, require_column
from headrace.privacy.kafka_erasure import PERSONAL, found_in
from schemas.dead_letter import DeadLetter, bounded_original
from schemas.personal import Personal
from schemas.record import Position
from schemas.topics import (
    CHURN_SCORES,
    CUSTOMERS,
    DAY_MS,
    DEAD_LETTERS,
    DEVICES,
    INTERACTIONS,
    TELEMETRY_READINGS,
    TOPICS,
    USERS_FORGOTTEN,
)
from stack.layout import Layout
from stack.pseudonym_key import destroy_key_of, require_key
from tests.unit.headrace.user_ids import two_ids

USER, PSEUDONYM = "u-1", "0123456789abcdef0123456789abcdef"


def message(key, value):
    return SimpleNamespace(key=key and key.encode(), value=value if value is None else value.encode())


def found(topic, *messages):
    return found_in(topic, [message(*each) for each in messages], USER, PSEUDONYM)


# ---------------------------------------------------------------- topics


def test_records_under_the_pseudonym_are_nobodys_and_go_by_retention():
    finding = found(INTERACTIONS, (PSEUDONYM, f'{{"user":"{PSEUDONYM}"}}'), ("other", "{}"))
    assert finding.result == "1 record of somebody whom nobody can name any more, gone within 8 days"
    assert not finding.stays


def test_records_under_the_id_itself_came_past_the_door_and_are_said_to_stay():
    finding = found(INTERACTIONS, ("u-17", '{"user":"u-17"}'), (USER, f'{{"user":"{USER}"}}'))
    assert finding.stays
    assert "1 record written past the REST API" in finding.result


def test_a_row_that_the_database_still_has_stays_and_one_that_it_deleted_goes():
    row, deleted = '{"customer_id":"u-1","__deleted":"false"}', '{"customer_id":"u-1","__deleted":"true"}'
    assert found(CUSTOMERS, (USER, row)).stays
    assert found(CUSTOMERS, (USER, row), (USER, deleted), (USER, row)).stays
    for messages in ([(USER, row), (USER, deleted)], [(USER, row), (USER, deleted), (USER, None)]):
        finding = found(CUSTOMERS, *messages)
        assert not finding.stays
        assert finding.result.endswith("with the id, gone within 3 days")


def test_an_owner_stays_until_the_devices_newest_row_names_another():
    owned, sold = '{"device":"d","owner":"u-1"}', '{"device":"d","owner":null}'
    assert found(DEVICES, ("d", owned)).stays
    assert not found(DEVICES, ("d", owned), ("d", sold)).stays


def test_scores_by_name_go_by_retention():
    assert found(CHURN_SCORES, (USER, '{"customer":"u-1"}')).result == "1 record with the id, gone within 8 days"


def test_a_dead_letter_is_read_through_to_the_bytes_that_it_is_about():
    letter = DeadLetter(
        reason="not_a_customer", detail="", stage="score_churn", device=None, first_seen=1,
        position=Position(topic="customers", partition=0, offset=1), replayable=False,
        **{k: v for k, v in bounded_original(b'{"customer_id":"u-1"').items() if k != "replayable"},
    )  # fmt: skip
    result = found(DEAD_LETTERS, (None, letter.model_dump_json())).result
    assert result.startswith("1 record with the id, gone within 31 days; ")
    assert found(DEAD_LETTERS, (None, "no letter")).result == "nothing"


def test_every_topic_that_tells_of_people_has_an_end_and_is_looked_through():
    for topic in TOPICS:
        configs = topic.configs()
        if topic.personal is Personal.NO:
            assert topic.gone_within_ms is None
            continue
        assert topic in PERSONAL or topic is USERS_FORGOTTEN
        assert configs["segment.ms"] == str(DAY_MS)
        assert topic.gone_within_ms <= 91 * DAY_MS
        assert ("compact" in topic.cleanup_policy) == ("max.compaction.lag.ms" in configs)
    assert TELEMETRY_READINGS not in PERSONAL


def test_whom_not_to_learn_is_known_for_longer_than_interactions_are_there():
    assert USERS_FORGOTTEN.retention_ms > INTERACTIONS.gone_within_ms


# ---------------------------------------------------------------- files


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_rows_of_a_table_go_and_the_others_stay(tmp_path, delimiter):
    table = tmp_path / "table.csv"
    rows = [["user", "item"], [USER, "tea"], ["u-17", "two words"], [PSEUDONYM, "pot"]]
    table.write_text("".join(delimiter.join(row) + "\n" for row in rows))
    assert remove_from_table(table, require_column(table, None), USER, PSEUDONYM).result == "2 rows were removed"
    assert table.read_text() == f"user{delimiter}item\nu-17{delimiter}two words\n"
    assert remove_from_table(table, "user", USER, PSEUDONYM).result == "nothing"


def test_rows_go_whose_id_has_blanks_around_it(tmp_path):
    table = tmp_path / "table.csv"
    table.write_text(f"user,item\n {USER},tea\n{USER} ,pot\nu-17 ,cup\n")
    assert remove_from_table(table, "user", USER, PSEUDONYM).result == "2 rows were removed"
    assert table.read_text() == "user,item\nu-17 ,cup\n"


def test_a_table_without_a_column_of_users_is_refused_before_anything_is_done(tmp_path):
    table = tmp_path / "table.csv"
    table.write_text("name,item\nu-1,tea\n")
    with pytest.raises(NotForgotten, match=r"has no column user or customer_id or customer\. Name one with --column"):
        require_column(table, None)
    assert require_column(table, "name") == "name"
    with pytest.raises(NotForgotten, match="cannot be read"):
        require_column(tmp_path / "none.csv", None)


@pytest.mark.parametrize("text", [
    f"user,item\r\n{USER},tea\r\nu-17,pot\r\n", f"\ufeffuser,item\n{USER},tea\nu-17,pot",
    f'"user","note"\n"{USER}","two\nlines"\n"u-17","007"\n\n"{PSEUDONYM}",""\n',
])  # fmt: skip
def test_the_bytes_of_all_other_rows_stay(tmp_path, text):
    table = tmp_path / "table.csv"
    table.write_bytes(text.encode())
    remove_from_table(table, "user", USER, PSEUDONYM)
    kept = text.replace(f'"{USER}","two\nlines"\n', "").replace(f'"{PSEUDONYM}",""\n', "")
    kept = kept.replace(f"{USER},tea\r\n", "").replace(f"{USER},tea\n", "")
    assert table.read_bytes() == kept.encode()
    assert kept != text


@given(two_ids.filter(lambda pair: pair[1].strip() != pair[0]))
def test_rows_of_the_user_go_by_their_column_whatever_the_others_hold(tmp_path_factory, pair):
    user, other = pair
    rows = [["user", "tenure"], [other, user], [user, other], [f"{user}0", user]]
    table = tmp_path_factory.mktemp("tables") / "table.csv"
    with table.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    kept = [row for row in rows if row[0] not in (user, PSEUDONYM)]
    remove_from_table(table, "user", user, PSEUDONYM)
    with table.open(newline="") as file:
        assert list(csv.reader(file)) == kept


@pytest.mark.parametrize("content", [b'user,item\nu-1,"tea\nu-17,pot\n', b"user,item\nu-1,t\xe9\nu-17,pot\n"])
def test_a_table_that_cannot_be_read_to_its_end_is_refused_and_left_as_it_is(tmp_path, content):
    """Behind a quote that is not closed, rows of others would count as a part of the user's."""
    table = tmp_path / "table.csv"
    table.write_bytes(content)
    with pytest.raises(NotForgotten, match="cannot be read"):
        remove_from_table(table, "user", USER, PSEUDONYM)
    assert table.read_bytes() == content


def test_another_column_that_names_the_user_is_reported_and_its_rows_stay(tmp_path):
    table = tmp_path / "table.csv"
    table.write_text(f"device,user,owner,tenure\nd,x,{USER},1\ne,{USER},x,{USER}\n")
    finding = remove_from_table(table, "user", USER, PSEUDONYM)
    assert finding.stays
    assert finding.result == "1 row was removed; other rows name the user in the column owner. Decide about them:  " + (
        "--column owner"
    )
    assert remove_from_table(table, "owner", USER, PSEUDONYM).result == "1 row was removed"


@pytest.mark.parametrize(("name", "content"), [
    ("kafka.log", "10:17:03 17 records at offset 17 of port 17\n"), ("supervisord.log", "set user=17 in the file\n"),
    ("postgres.log", 'FATAL: password authentication failed for user "17"\n'), ("contract.json", '{"threshold": 17}'),
    ("table.csv", "customer_id,tenure\n99,17\n170,17\n"), ("model.onnx", "\x00\x0217\x00user\x00"),
    ("contract.json", '{"columns": [{"name": "tenure", "categories": ["17"]}], "identifier": "customer_id"}'),
])  # fmt: skip
def test_a_file_with_the_id_in_another_field_names_nobody(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    assert look_in_folder("files", tmp_path, "17").result == "nothing"


@pytest.mark.parametrize(("name", "content"), [
    ("taskmanager.log", "10:17:03 refused user=17\n"), ("postgres.log", "Key (customer_id)=(17) already exists.\n"),
    ("contract.json", '{"columns": [{"name": "customer_id", "categories": ["17"]}]}'),
    ("table.csv", "tenure;customer_id\n3;17\n"), ("report.json", '{"users": {"17": 3}}'),
    ("rows.json", '{"user": 99}\n{"user": 17}\n'), ("table.csv", "tenure,customer\n\xff,17\n"),
])  # fmt: skip
def test_a_file_with_the_id_in_a_personal_field_is_named(tmp_path, name, content):
    (tmp_path / name).write_bytes(content.encode("latin-1"))
    finding = look_in_folder("files", tmp_path, "17")
    assert finding.stays
    assert finding.result == f"1 file names the user: {tmp_path / name}. Remove it"


# ---------------------------------------------------------------- the key


def test_the_key_is_made_once_and_only_its_owner_reads_it(tmp_path):
    layout = Layout(tmp_path)
    require_key(layout)
    path = tmp_path / "secrets" / KEY_FILE
    before = path.read_text()
    require_key(layout)
    assert path.read_text() == before
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_destroyed_key_is_that_of_one_user(tmp_path):
    layout = Layout(tmp_path)
    require_key(layout)
    before: PseudonymKey = read_key(tmp_path / "secrets" / KEY_FILE)
    destroy_key_of(layout, USER)
    after = read_key(tmp_path / "secrets" / KEY_FILE)
    assert after == before.without(USER)
    assert (tmp_path / "secrets" / KEY_FILE).stat().st_mode & 0o777 == 0o600
