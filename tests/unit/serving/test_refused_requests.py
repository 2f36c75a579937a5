"""What a request gets that is not as it should be: always a status, a code, and what to do."""

import asyncio
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.api_keys import ApiKeys, read_keys
from serving.errors import ApiError, ErrorCode
from serving.params import (
    MAX_CONTEXT_LENGTH,
    MAX_EXCLUDED,
    MAX_ID_LENGTH,
    MAX_QUERY_BYTES,
    ListParams,
    identifier,
    parse,
)
from serving.rate_limit import RateLimit
from serving.request_body import read_body
from tests.unit.serving.instance_in_memory import KEY, Service

U1 = "/users/u1/recommendations"


def refused(service, path, key=KEY, method="GET", **named):
    async def ask():
        async with service.client(key=key) as client:
            return await client.request(method, path, **named)

    answer = asyncio.run(ask())
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem.keys() == {"type", "title", "status", "detail", "instance"}
    assert (problem["status"], problem["instance"]) == (answer.status_code, answer.headers["x-request-id"])
    return answer


@pytest.mark.parametrize("key", [None, "", "wrong", KEY[:-1], f"{KEY}x", "k" * 100_000, "schlüssel"])
@pytest.mark.parametrize(("method", "path"), [("GET", U1), ("GET", "/items/a/similar"), ("POST", "/interactions")])
def test_without_a_right_key_nothing_is_answered(service, method, path, key):
    key = key if key is None else key.encode()
    answer = refused(service, path, key, method)
    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/invalid_api_key")
    assert service.redis.asked == []
    assert service.metric("refused_total", error="invalid_api_key") == 1


def test_the_description_needs_no_key(service):
    async def ask():
        async with service.client(key=None) as client:
            return [(await client.get(path)).status_code for path in ("/openapi.json", "/docs", "/healthz", "/metrics")]

    assert asyncio.run(ask()) == [200] * 4


def test_a_key_that_asks_too_often_is_told_when_to_come_back():
    service = Service(rate=2.0)
    asyncio.run(service.cache.refresh())
    assert [asyncio.run(service.get(U1)).status_code for _ in range(2)] == [200, 200]
    answer = refused(service, U1)
    assert (answer.status_code, answer.headers["retry-after"], answer.json()["type"]) == (
        429,
        "1",
        "/problems/rate_limited",
    )
    service.clock.now_s += 1.0
    assert asyncio.run(service.get(U1)).status_code == 200


@given(st.lists(st.floats(0, 3), max_size=60))
def test_no_key_gets_more_than_its_rate_and_its_burst(pauses_s):
    limit, now_s, passed = RateLimit(rate=5, burst=3), 0.0, 0
    for pause_s in pauses_s:
        now_s += pause_s
        passed += limit.wait_s("key", now_s) == 0
    assert passed <= 3 + 5 * now_s + 1e-6


def test_a_long_pause_saves_up_no_more_than_the_burst():
    limit = RateLimit(rate=5, burst=3)
    assert limit.wait_s("key", 0.0) == 0
    passed = [limit.wait_s("key", 3600.0) == 0 for _ in range(5)]
    assert passed == [True, True, True, False, False]


def test_keys_do_not_share_a_limit():
    limit = RateLimit(rate=1, burst=1)
    assert [limit.wait_s(owner, 0.0) for owner in ("a", "b", "a")] == [0.0, 0.0, 1.0]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (f"{U1}?limit=0", "limit"), (f"{U1}?limit=51", "limit"), (f"{U1}?limit=-1", "limit"), (f"{U1}?limit=", "limit"),
        (f"{U1}?limit=ten", "limit"), (f"{U1}?limit=1e1", "limit"), (f"{U1}?limit=1&limit=2", "limit"),
        (f"{U1}?limit={'9' * 5000}", "limit"),
        (f"{U1}?context={'c' * 501}", "context"), (f"{U1}?context=%FF", "context"),
        (f"{U1}?context=a&context=b", "context"),
        (f"{U1}?exclude={'i' * 201}", "exclude"), (f"{U1}?exclude={','.join(map(str, range(300)))}", "exclude"),
        (f"{U1}?exclude=%C3", "exclude"),
        ("/users//recommendations", "user"), (f"/users/{'u' * 201}/recommendations", "user"),
        ("/users/a%00b/recommendations", "user"), ("/users/%FF/recommendations", "user"),
        ("/users/a%0Ab/recommendations", "user"), (f"/items/{'i' * 201}/similar", "item"),
    ],
)  # fmt: skip
def test_a_bad_request_names_what_is_wrong(service, path, said):
    answer = refused(service, path)
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/bad_request")
    assert answer.json()["detail"].startswith(f"{said}: ")


def test_a_query_that_is_too_long_is_not_looked_at(service):
    answer = refused(service, f"{U1}?exclude={'x,' * MAX_QUERY_BYTES}"[:65_000])
    assert (answer.status_code, answer.json()["type"]) == (414, "/problems/uri_too_long")
    assert f"{MAX_QUERY_BYTES:,} is the most" in answer.json()["detail"]


IDS = [f"{number:03}".ljust(MAX_ID_LENGTH, "x") for number in range(MAX_EXCLUDED)]


@pytest.mark.parametrize("separator", ["&exclude=", ",", "%2C", "%2c"])
def test_a_query_may_have_as_many_items_of_as_many_characters_as_the_limits_say(separator):
    params = parse(f"limit=50&context={'c' * MAX_CONTEXT_LENGTH}&exclude={separator.join(IDS)}".encode())
    assert params.exclude == {*IDS}


@pytest.mark.parametrize("group", [1, 2, 3, 199, 200])
@pytest.mark.parametrize("comma", [",", "%2C"])
def test_as_many_short_items_are_taken_in_however_many_parameters(group, comma):
    ids = [f"i{number}" for number in range(MAX_EXCLUDED)]
    pairs = [f"exclude={comma.join(ids[first : first + group])}" for first in range(0, len(ids), group)]
    assert {*ids} <= parse("&".join(pairs).encode()).exclude


@pytest.mark.parametrize("character", ["é", "語", "🛒"])
def test_as_many_items_of_24_characters_fit_whatever_the_characters_are(character):
    ids = [f"{number:03}".rjust(24, character) for number in range(MAX_EXCLUDED)]
    assert parse("&".join(f"exclude={quote(each)}" for each in ids).encode()).exclude == {*ids}


NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=","), min_size=1, max_size=20)


@given(st.data(), st.sets(NAMES, max_size=MAX_EXCLUDED))
def test_however_items_to_exclude_are_written_they_are_counted_once(data, names):
    groups, left = [], sorted(names)
    while left:
        size = data.draw(st.integers(1, len(left)))
        groups.append(left[:size])
        left = left[size:]
    separators = st.sampled_from([",", "%2C", ",,"])
    pairs = ["exclude=" + data.draw(separators).join(map(quote_plus, group)) for group in groups]
    assert names <= parse("&".join([*pairs, *pairs[:1]]).encode()).exclude


@pytest.mark.parametrize("separator", [",", "%2C", "&exclude="])
def test_one_item_too_many_is_refused_with_how_many_there_are(separator):
    with pytest.raises(ApiError, match="exclude: 201 items, and 200 is the most"):
        parse(f"exclude={separator.join(f'i{number}' for number in range(201))}".encode())


@pytest.mark.parametrize(
    "query", [f"exclude=a,{'i' * 201}", f"exclude={'i' * 201},a", f"exclude=a&exclude={'i' * 201}"]
)
def test_an_item_that_is_too_long_is_refused_wherever_it_stands(query):
    with pytest.raises(ApiError, match="exclude: an id has over 200 characters"):
        parse(query.encode())


def test_unknown_parameters_are_ignored(service):
    assert asyncio.run(service.get(f"{U1}?colour=red&limit=1&&=&x")).status_code == 200


@given(st.binary(max_size=300))
def test_any_query_is_a_question_or_a_problem(query):
    try:
        params = parse(query)
    except ApiError:
        return
    assert isinstance(params, ListParams)
    assert 1 <= params.limit <= 50


@given(st.binary(max_size=300))
def test_any_bytes_are_an_identifier_or_a_problem(raw):
    try:
        found = identifier(raw, "user")
    except ApiError:
        return
    assert 1 <= len(found) <= MAX_ID_LENGTH
    found.encode()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404), ("GET", "/users/u1", 404), ("GET", "/users/u1/recommendations/", 404),
        ("GET", "/users/a/b/recommendations", 404),
        ("GET", "/users%2Fu1/recommendations", 404), ("POST", U1, 405), ("DELETE", "/interactions", 405),
        ("GET", "/interactions", 405),
    ],
)  # fmt: skip
def test_other_paths_and_methods_are_refused_in_the_same_form(service, method, path, status):
    assert refused(service, path, method=method).status_code == status


def test_a_fault_of_ours_is_told_without_its_inside(service, caplog):
    async def broken(user, params):
        raise RuntimeError("a secret of the inside")

    service.recommendations.for_user = broken
    answer = refused(service, U1)
    assert (answer.status_code, answer.json()["type"]) == (500, "/problems/internal")
    assert "secret" not in answer.text
    assert "a secret of the inside" in caplog.text
    assert f"GET /users failed: request {answer.json()['instance']}" in caplog.text
    assert "u1" not in caplog.text


# ---------------------------------------------------------------- bodies


def receiving(*messages):
    waiting = list(messages)

    async def receive():
        if not waiting:
            await asyncio.sleep(60)
        return waiting.pop(0)

    return receive


def part(body, more=False):
    return {"type": "http.request", "body": body, "more_body": more}


def test_a_body_comes_in_parts():
    receive = receiving(part(b"ab", more=True), part(b"", more=True), part(b"c"))
    assert asyncio.run(read_body({"headers": []}, receive, 3)) == b"abc"


@pytest.mark.parametrize(
    ("headers", "messages", "code"),
    [
        ([(b"content-length", b"4")], [], ErrorCode.CONTENT_TOO_LARGE),
        ([], [part(b"ab", more=True), part(b"cd", more=True)], ErrorCode.CONTENT_TOO_LARGE),
        ([], [part(b"ab", more=True)], ErrorCode.REQUEST_TIMEOUT),
        ([], [part(b"ab", more=True), {"type": "http.disconnect"}], ErrorCode.BAD_REQUEST),
    ],
    ids=["told too large", "too large", "too slow", "cut off"],
)
def test_a_body_that_is_too_large_too_slow_or_cut_off_is_refused(headers, messages, code):
    with pytest.raises(ApiError) as problem:
        asyncio.run(read_body({"headers": headers}, receiving(*messages), 3, timeout_s=0.05))
    assert problem.value.code is code


# ---------------------------------------------------------------- keys


def test_keys_are_files_of_the_secrets_folder(tmp_path):
    for name, text in {"serving-key": "a" * 20, "serving-key-shop": "b" * 20, "redis-password": "c" * 20}.items():
        (tmp_path / name).write_text(f"{text}\n")
    keys = read_keys(tmp_path)
    assert [keys.owner(letter * 20) for letter in (b"a", b"b", b"c")] == ["default", "shop", None]


@pytest.mark.parametrize("text", ["", "\n", "short", "x" * 600])
def test_a_file_that_holds_no_key_opens_nothing(tmp_path, caplog, text):
    (tmp_path / "serving-key").write_text(text)
    keys = read_keys(tmp_path)
    assert len(keys) == 0
    assert keys.owner(text.strip().encode()) is None
    assert "Skipping the API key" in caplog.text


def test_without_the_folder_there_are_no_keys(tmp_path):
    assert len(read_keys(tmp_path / "nowhere")) == 0


def test_no_key_is_shown_by_an_error_or_a_metric(service):
    answer = refused(service, U1, "guessed")
    assert KEY not in answer.text
    assert KEY not in asyncio.run(service.get("/metrics")).text


def test_all_keys_are_compared_also_after_one_has_matched(monkeypatch):
    compared = []
    monkeypatch.setattr("serving.api_keys.hmac.compare_digest", lambda a, b: compared.append(a) or a == b)
    assert ApiKeys({"a": "x" * 16, "b": "y" * 16}).owner(b"x" * 16) == "a"
    assert len(compared) == 2
