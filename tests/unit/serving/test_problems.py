"""Errors are RFC 9457 problem details of a closed list of types, from an instance and from HAProxy."""

import asyncio
import json
import logging
import re
from pathlib import Path

import pytest

import serving
from serving.errors import FROM_HAPROXY, PROBLEM_TYPES, ApiError, ErrorCode, Problem
from serving.request_id import add_request_id
from stack.layout import REPOSITORY

U1 = "/users/u1/recommendations"
REFUSED = [
    ("GET", f"{U1}?limit=0", "bad_request"), ("GET", "/items//similar", "bad_request"),
    ("GET", f"{U1}?exclude={'x,' * 31_000}", "uri_too_long"), ("GET", "/nowhere", "not_found"),
    ("POST", U1, "method_not_allowed"), ("POST", "/interactions", "bad_request"),
]  # fmt: skip


def ask(service, method, path, **named):
    async def run():
        async with service.client() as client:
            return await client.request(method, path, **named)

    return asyncio.run(run())


@pytest.mark.parametrize(("method", "path", "code"), REFUSED)
def test_an_error_has_the_type_the_status_and_the_title_of_its_code(service, method, path, code):
    answer = ask(service, method, path)
    problem = Problem.model_validate_json(answer.content)
    status, title, _ = PROBLEM_TYPES[ErrorCode(code)]
    assert (problem.type, problem.title, problem.status) == (f"/problems/{code}", title, status)
    assert answer.status_code == status
    assert service.metric("refused_total", error=code) == 1


@pytest.mark.parametrize("code", list(ErrorCode))
def test_a_type_is_a_path_that_explains_it(service, code):
    answer = ask(service, "GET", code.type)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/markdown")
    assert f"`{code.type}`, HTTP status {PROBLEM_TYPES[code].status}" in answer.text
    assert PROBLEM_TYPES[code].remedy in answer.text


@pytest.mark.parametrize("path", ["/problems/nonsense", "/problems/", "/problems/a%2Fb"])
def test_another_type_is_not_found(service, path):
    assert ask(service, "GET", path).status_code == 404


def test_the_list_of_types_in_the_description_is_closed(service):
    schemas = ask(service, "GET", "/openapi.json").json()["components"]["schemas"]
    assert schemas["Problem"]["properties"]["type"]["enum"] == [f"/problems/{code}" for code in ErrorCode]


def test_an_instance_uses_every_code_but_those_of_haproxy():
    sources = [path for path in Path(serving.__file__).parent.glob("*.py") if path.name != "errors.py"]
    used = {name for path in sources for name in re.findall(r"ErrorCode\.([A-Z_]+)", path.read_text())}
    assert used == {code.name for code in set(ErrorCode) - FROM_HAPROXY}


@pytest.mark.parametrize(
    ("method", "path", "described"),
    [
        ("GET", f"{U1}?limit=0", "/users/{user}/recommendations"),
        ("GET", "/items/%FF/similar", "/items/{item}/similar"),
        ("GET", f"/items/a/similar?exclude={'x,' * 31_000}", "/items/{item}/similar"),
        ("POST", "/interactions", "/interactions"),
    ],
)  # fmt: skip
def test_an_error_is_one_that_the_description_of_its_path_has(service, method, path, described):
    answer = ask(service, method, path)
    responses = ask(service, "GET", "/openapi.json").json()["paths"][described][method.lower()]["responses"]
    assert answer.headers["content-type"] in responses[str(answer.status_code)]["content"]


def answers_of_haproxy():
    """Status and body of every error that HAProxy writes itself."""
    lines = (REPOSITORY / "deploy" / "haproxy" / "haproxy.cfg").read_text().splitlines()
    errors = [line for line in lines if " status " in line]
    assert errors
    form = r"status (\d+) content-type application/problem\+json string '(.*)'"
    return [(int(status), json.loads(body)) for line in errors for status, body in re.findall(form, line)], len(errors)


def test_errors_of_haproxy_have_the_same_form_types_and_titles():
    found, many = answers_of_haproxy()
    assert len(found) == many
    by_type = {code.type: code for code in ErrorCode}
    for status, body in found:
        assert body.keys() == {"type", "title", "status", "detail"}
        expected = PROBLEM_TYPES[by_type[body["type"]]]
        assert (body["status"], body["title"]) == (status, expected.title)
        assert expected.status == status
    assert {by_type[body["type"]] for _, body in found} >= FROM_HAPROXY


# ---------------------------------------------------------------- request ids


@pytest.mark.parametrize(("path", "status"), [(U1, 200), ("/nowhere", 404), ("/healthz", 200)])
@pytest.mark.parametrize("presented", ["7", "a.b-c_d~e", "6F0C5D0F-3B5E-4C0E-8A1F-2B3C4D5E6F70", "x" * 128])
def test_the_clients_request_id_comes_back(service, path, status, presented):
    answer = ask(service, "GET", path, headers={"X-Request-ID": presented})
    assert (answer.status_code, answer.headers["x-request-id"]) == (status, presented)


@pytest.mark.parametrize(
    "presented", [None, b"", b"a b", b"x" * 129, b"a\tb", b"\xc3\xa9", b"a\x85b", b"<script>", b"a/b"]
)
def test_without_a_usable_request_id_there_is_a_new_one(service, presented):
    headers = {} if presented is None else {"X-Request-ID": presented}
    made = [ask(service, "GET", U1, headers=headers).headers["x-request-id"] for _ in range(2)]
    assert made[0] != made[1]
    assert all(re.fullmatch("[0-9a-f]{32}", each) for each in made)


def test_the_request_id_of_a_failure_is_in_the_answer_and_in_the_log(service, caplog):
    async def broken(user, params):
        raise RuntimeError("the cause")

    service.recommendations.for_user = broken
    answer = ask(service, "GET", "/users/somebody/recommendations", headers={"X-Request-ID": "r-17"})
    assert (answer.status_code, answer.json()["instance"], answer.headers["x-request-id"]) == (500, "r-17", "r-17")
    (record,) = [record for record in caplog.records if record.name == "serving.request_id"]
    assert (record.getMessage(), record.request_id) == ("GET /users failed: request r-17", "r-17")
    assert "the cause" in caplog.text
    assert "somebody" not in caplog.text


def test_every_line_that_a_request_causes_has_its_id(service, caplog):
    async def logs_and_fails(user, params):
        await asyncio.sleep(0)
        logging.getLogger("serving.cache").warning("Redis is slow")
        raise ApiError(ErrorCode.BAD_REQUEST, "for the test")

    service.recommendations.for_user = logs_and_fails
    caplog.handler.addFilter(add_request_id)
    for number in range(2):
        ask(service, "GET", "/users/somebody/recommendations", headers={"X-Request-ID": f"r-{number}"})
    logging.getLogger("serving.cache").warning("outside of a request")
    lines = [record for record in caplog.records if record.name == "serving.cache"]
    assert [getattr(record, "request_id", None) for record in lines] == ["r-0", "r-1", None]
