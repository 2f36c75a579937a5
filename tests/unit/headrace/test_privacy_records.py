"""A record names a user by its key and its personal fields, whatever else it holds."""

import json
from types import SimpleNamespace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from headrace.privacy.kafka_erasure import found_in
from headrace.privacy.personal_fields import KEYED_BY_PERSON, ROW_FIELDS, normalised
from schemas.dead_letter import MAX_ORIGINAL_BYTES, DeadLetter, bounded_original
from schemas.personal import Personal
from schemas.record import Position
from schemas.topics import (
    CHURN_SCORES,
    CUSTOMERS,
    CUSTOMERS_USAGE,
    DEAD_LETTERS,
    DEVICES,
    EXPOSURES,
    INTERACTIONS,
    TOPICS,
    USAGE_HOURS,
)
from tests.unit.headrace.user_ids import any_ids, as_json, dumped, two_ids

PSEUDONYM = "0123456789abcdef0123456789abcdef"

# Of a record of each topic: who is in its key, and its value; `of` is the person, `beside` stands in all other fields.
RECORDS = {
    CUSTOMERS: lambda of, beside: (of, {"customer_id": of, "tenure": beside, "owner": beside, "plan": f"{beside}"}),
    DEVICES: lambda of, beside: (beside, {"device": beside, "site": beside, "model": beside, "owner": of}),
    INTERACTIONS: lambda of, beside: (
        of, {"user": of, "item": beside, "action": beside, "event_time": beside, "context": {"page": beside}},
    ),
    EXPOSURES: lambda of, beside: (of, {"exposure_id": beside, "user": of, "items": [beside], "source": beside}),
    USAGE_HOURS: lambda of, beside: (of, {"customer": of, "source": beside, "hour_start": beside, "events": beside}),
    CUSTOMERS_USAGE: lambda of, beside: (of, {"customer": of, "as_of": beside, "features": {"events": beside}}),
    CHURN_SCORES: lambda of, beside: (
        of, {"customer": of, "changed_at": beside, "reasons": [{"column": "tenure", "points": beside}]},
    ),
}  # fmt: skip


def message(key, value):
    return SimpleNamespace(key=None if key is None else str(key).encode(), value=value)


def names(topic, user, key, value):
    return "nothing" not in found_in(topic, [message(key, value)], user, PSEUDONYM).result


def letter(original, topic="interactions", key=None, headers=None, detail="no record"):
    made = DeadLetter(
        reason="not_an_interaction", detail=detail, stage="recommend_items", device=key, first_seen=17, replays=17,
        position=Position(topic=topic, partition=0, offset=17), headers=headers or {}, **bounded_original(original),
    )  # fmt: skip
    return made.model_dump_json().encode()


def test_every_topic_that_tells_of_people_is_searched_by_its_own_fields():
    for topic in TOPICS:
        if topic.personal is Personal.NO or topic is DEAD_LETTERS or topic.name == "users.forgotten":
            continue
        assert topic in RECORDS
        assert topic.name in KEYED_BY_PERSON or topic is DEVICES
        fields = set(topic.record.model_fields) if topic.record else {"customer_id"}
        declared = ROW_FIELDS.get(topic.name, {"user", "customer"})
        assert declared & set(map(normalised, fields))


@given(st.sampled_from(list(RECORDS)), two_ids, st.booleans(), st.booleans())
def test_records_of_the_user_are_found_and_records_of_others_are_not(topic, pair, as_number, ensure_ascii):
    user, other = pair
    for of, beside, expected in ((user, other, True), (other, user, False)):
        key, value = RECORDS[topic](as_json(of, as_number), as_json(beside, as_number))
        key = of if topic is not DEVICES else beside
        assert names(topic, user, key, dumped(value, ensure_ascii).encode()) is expected


@given(st.sampled_from(list(RECORDS)), two_ids)
def test_the_value_alone_names_the_user(topic, pair):
    user, other = pair
    _, value = RECORDS[topic](user, other)
    assert names(topic, user, None, dumped(value, True).encode())


@given(two_ids)
def test_the_key_alone_names_the_user_where_keys_are_people(pair):
    user, other = pair
    assert names(INTERACTIONS, user, user, None)
    assert not names(INTERACTIONS, user, other, None)
    assert not names(DEVICES, user, user, None)


def test_a_customer_can_be_forgotten_although_17_is_somebody_elses_tenure():
    row = b'{"customer_id":"99","tenure":17,"phone":"10:17:03","site":"17","owner":17}'
    assert found_in(CUSTOMERS, [message("99", row)], "17", PSEUDONYM).result == "nothing"


@pytest.mark.parametrize("number", ["17.0", "170", "-17", "1.7e1", "17e0", "0.17", "true"])
def test_another_number_is_another_id(number):
    assert not names(CUSTOMERS, "17", None, b'{"customer_id":%b}' % number.encode())
    assert names(CUSTOMERS, number, None, b'{"customer_id":%b}' % number.encode())


@pytest.mark.parametrize(
    "value",
    [
        b'{"before":{"device":"d","owner":"17"},"after":{"device":"d","owner":null},"op":"u"}',
        b'{"schema":{},"payload":{"before":null,"after":{"device":"d","owner":17}}}',
        b'{"owner":"x","owner":"17"}',
        b'{"Owner":"17"}',
        b'{"owner":"\\u0031\\u0037"}',
        b' \xef\xbb\xbf{"owner":"17"}'[1:],
        '{"owner":"17"}'.encode("utf-16"),
        b'{"notes":"{\\"owner\\":\\"17\\"}"}',
    ],
)
def test_nested_repeated_and_escaped_fields_count(value):
    assert names(DEVICES, "17", "d", value)


def test_a_text_about_a_deletion_is_no_deletion():
    row = b'{"customer_id":"17","notes":"\\"__deleted\\":\\"true\\""}'
    assert found_in(CUSTOMERS, [message("17", row)], "17", PSEUDONYM).stays
    for gone in (b'{"customer_id": "17", "__deleted": "true"}', b'{"before":{"customer_id":"17"},"op":"d"}', None):
        finding = found_in(CUSTOMERS, [message("17", row), message("17", gone)], "17", PSEUDONYM)
        assert not finding.stays
        assert "with the id" in finding.result


def test_the_row_of_a_device_that_was_sold_no_longer_stays_and_that_of_another_device_does():
    rows = [("d", b'{"owner":"17"}'), ("e", b'{"owner":"17"}'), ("d", b'{"owner":"99"}')]
    assert found_in(DEVICES, [message(*each) for each in rows], "17", PSEUDONYM).stays
    rows.append(("e", None))
    assert not found_in(DEVICES, [message(*each) for each in rows], "17", PSEUDONYM).stays


def test_very_deep_json_is_searched_as_text():
    deep = b'{"a":' * 100_000 + b'{"user":"17"}' + b"}" * 100_000
    assert names(INTERACTIONS, "17", None, deep)
    assert not names(INTERACTIONS, "99", None, deep)


# ---------------------------------------------------------------- dead letters


@given(two_ids, st.booleans(), st.booleans(), st.sampled_from(["user", "user_id", "customerId", "owner"]))
def test_a_payload_that_is_json_names_by_its_fields(pair, as_number, ensure_ascii, field):
    user, other = pair
    for of, beside, expected in ((user, other, True), (other, user, False)):
        payload = [{field: as_json(of, as_number), "ts": as_json(beside, as_number), "item": beside}]
        assert names(DEAD_LETTERS, user, None, letter(dumped(payload, ensure_ascii).encode())) is expected


@given(two_ids, st.booleans())
def test_a_payload_that_is_cut_off_names_by_its_fields_too(pair, ensure_ascii):
    user, other = pair
    for of, beside, expected in ((user, other, True), (other, user, False)):
        payload = dumped({"item": beside, "user": of, "ts": beside}, ensure_ascii)[:-1]
        assert names(DEAD_LETTERS, user, None, letter(payload.encode())) is expected


@given(any_ids)
def test_a_payload_that_ends_in_the_id_names_it(user):
    assume(not user.endswith("\\"))
    assert names(DEAD_LETTERS, user, None, letter(f'{{"user":{json.dumps(user)[:-1]}'.encode()))


@pytest.mark.parametrize(
    "payload",
    [b'{"user":"Zo\xeb"', '{"user":"Zoë"'.encode("utf-16-le"), '{"user":"Zoë"'.encode("utf-16-be"), b"user=Zo%C3%AB&x"],
)
def test_a_payload_in_another_encoding_names_the_user(payload):
    assert names(DEAD_LETTERS, "Zoë", None, letter(payload))
    assert not names(DEAD_LETTERS, "Zo", None, letter(payload))


def test_a_payload_of_which_only_the_head_is_kept_names_the_user():
    payload = b'[{"user":"17"},' + b'{"user":"99"},' * (MAX_ORIGINAL_BYTES // 14) + b'{"user":"99"}]'
    assert len(payload) > MAX_ORIGINAL_BYTES
    assert names(DEAD_LETTERS, "17", None, letter(payload))
    assert not names(DEAD_LETTERS, "9", None, letter(payload))


def test_the_report_says_which_payloads_were_searched_as_text():
    cut_off = message(None, letter(b'{"user":"17"'))
    assert found_in(DEAD_LETTERS, [cut_off], "17", PSEUDONYM).result == (
        "1 record with the id, gone within 31 days; payloads that are not JSON, searched as text: 1"
    )
    assert found_in(DEAD_LETTERS, [message(None, letter(b'{"user":"17"}'))], "17", PSEUDONYM).result == (
        "1 record with the id, gone within 31 days"
    )


def test_times_offsets_and_counts_of_a_letter_name_nobody():
    """`first_seen`, the offset and `replays` are 17, too."""
    for payload in (b'{"ts":17,"value":17,"metric":"17"}', b"10:17:03 17", b'{"device":"17","value"', b"17", b'"17"'):
        assert not names(DEAD_LETTERS, "17", None, letter(payload, topic="telemetry.raw", key="17"))


def test_the_source_records_key_names_who_it_is_about():
    assert names(DEAD_LETTERS, "17", "17", letter(b"", topic="customers", key="17"))
    assert not names(DEAD_LETTERS, "17", "17", letter(b"", topic="devices", key="17"))
    assert not names(DEAD_LETTERS, "None", None, letter(b"", topic="customers"))


def test_headers_and_details_name_by_their_fields():
    assert names(DEAD_LETTERS, "17", None, letter(b"", headers={"user": b"17"}))
    assert not names(DEAD_LETTERS, "17", None, letter(b"", headers={"qos": b"17", "user": b"170"}))
    assert names(DEAD_LETTERS, "17", None, letter(b"", detail="user '17' is unknown"))
    assert not names(DEAD_LETTERS, "17", None, letter(b"", detail="17 characters at 10:17:03"))


def test_a_refused_row_has_the_fields_of_its_table():
    row = b'{"customer_id":"99","owner":17,"user":"17"}'
    assert not names(DEAD_LETTERS, "17", None, letter(row, topic="customers", key="99"))
    assert names(DEAD_LETTERS, "17", None, letter(b'{"user":"17"}', topic="customers"))
