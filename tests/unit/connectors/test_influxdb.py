"""InfluxDBWriter against an InfluxDB in memory."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from connectors.endpoints import Endpoints, StackSettings
from connectors.influxdb.writer import InfluxDBWriter
from connectors.retries import Retries
from connectors.stores import StoreMisconfigured, StoreUnavailable


class InMemoryInfluxDB:
    """Takes lines, refuses a batch with a bad one as the real server does, gives prepared answers first."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.pauses = []
        self.stored = set()
        self.requests = []

    def __call__(self, request):
        self.requests.append(request)
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        lines = request.content.decode().split("\n")
        bad = [line for line in lines if "bad" in line]
        if bad:
            return httpx.Response(400, json={"code": "invalid", "message": f"unable to parse '{bad[0]}'"})
        self.stored.update(lines)
        return httpx.Response(204)

    def writer(self, patience_s=60.0):
        """Nothing sleeps: time passes in `pauses` only."""
        retries = Retries(patience_s, self.pauses.append, lambda: sum(self.pauses))
        client = httpx.Client(transport=httpx.MockTransport(self), base_url="http://influxdb:8086")
        return InfluxDBWriter(client, "headrace", "telemetry", retries)


def test_a_batch_is_one_request_in_ms_to_its_bucket():
    influxdb = InMemoryInfluxDB()
    assert influxdb.writer().write(["reading v=1 1", "reading v=2 2"]) == [None, None]
    (request,) = influxdb.requests
    assert request.url.path == "/api/v2/write"
    assert dict(request.url.params) == {"org": "headrace", "bucket": "telemetry", "precision": "ms"}
    assert influxdb.stored == {"reading v=1 1", "reading v=2 2"}


def test_nothing_to_write_is_no_request():
    influxdb = InMemoryInfluxDB()
    assert influxdb.writer().write([]) == []
    assert influxdb.requests == []


@given(st.lists(st.booleans(), max_size=40))
def test_the_bad_lines_of_a_refused_batch_are_named_and_all_others_stored(good):
    lines = [f"{'good' if ok else 'bad'} v={i} {i}" for i, ok in enumerate(good)]
    influxdb = InMemoryInfluxDB()
    refusals = influxdb.writer().write(lines)
    assert [refusal is None for refusal in refusals] == good
    assert influxdb.stored == {line for line, ok in zip(lines, good, strict=True) if ok}
    assert all(f"'{line}'" in refusal for line, refusal in zip(lines, refusals, strict=True) if refusal)


def test_one_bad_line_of_a_thousand_costs_few_requests():
    influxdb = InMemoryInfluxDB()
    influxdb.writer().write(["good v=1 1"] * 700 + ["bad"] + ["good v=1 1"] * 299)
    assert len(influxdb.requests) < 25


PARTIAL = "failure writing points to database: partial write: "
CONFLICT = (
    PARTIAL + 'field type conflict: input field "v" on measurement "a" is type string, already exists as type float'
)
OLD = PARTIAL + "dropped 1 points outside retention policy of duration 1h0m0s"


def of_influxdb(status, code, message):
    return httpx.Response(status, json={"code": code, "message": message})


OF_A_ROW = [
    of_influxdb(400, "invalid", "unable to parse 'a v=': missing field value"),
    of_influxdb(422, "unprocessable entity", CONFLICT + " dropped=1"),
    of_influxdb(422, "unprocessable entity", OLD + " dropped=1 for database: 7f"),
    of_influxdb(400, "invalid", "partial write: field type conflict"),
    of_influxdb(413, "request too large", "points batch too large"),
]
PAGE = "<html><head><title>{0}</title></head><body><center><h1>{0}</h1></center><hr>nginx</body></html>"
OF_THE_SERVER = [
    httpx.Response(400, html=PAGE.format("400 The plain HTTP request was sent to HTTPS port")),
    httpx.Response(400, html=PAGE.format("400 Request Header Or Cookie Too Large")),
    httpx.Response(400, text="unable to parse this request, says a proxy"),
    httpx.Response(400, text=""),
    httpx.Response(400, json=["unable to parse"]),
    httpx.Response(400, json={"message": None}),
    httpx.Response(400, content=b"\xff\xfe" * 100_000),
    of_influxdb(400, "invalid", "invalid precision; valid precision units are ns, us, ms, and s"),
    of_influxdb(400, "invalid", "id must have a length of 16 bytes"),
    of_influxdb(422, "unprocessable entity", "the engine is closed"),
    of_influxdb(400, "invalid", "partial write: max-values-per-tag limit exceeded (100000/100000): measurement=a"),
    httpx.Response(301, headers={"Location": "https://elsewhere"}),
    httpx.Response(402), httpx.Response(405), httpx.Response(407), httpx.Response(408), httpx.Response(418),
    of_influxdb(429, "too many requests", "limit"), of_influxdb(500, "internal error", "unable to parse the index"),
    httpx.Response(502), httpx.Response(503), httpx.Response(504), httpx.Response(507),
]  # fmt: skip


@pytest.mark.parametrize("answer", OF_A_ROW, ids=lambda answer: answer.text[:60])
def test_an_answer_about_rows_halves_the_batch(answer):
    influxdb = InMemoryInfluxDB(answer)
    assert influxdb.writer().write(["a v=1 1", "b v=1 1"]) == [None, None]
    assert [request.content for request in influxdb.requests] == [b"a v=1 1\nb v=1 1", b"a v=1 1", b"b v=1 1"]


@pytest.mark.parametrize("answer", OF_A_ROW, ids=lambda answer: answer.text[:60])
def test_an_answer_about_a_single_row_refuses_it(answer):
    assert InMemoryInfluxDB(answer).writer().write(["a v=1 1"]) == [answer.json()["message"]]


@pytest.mark.parametrize("answer", OF_THE_SERVER, ids=lambda answer: f"{answer.status_code} {answer.text[:60]}")
def test_an_answer_that_is_about_no_row_refuses_none(answer):
    influxdb = InMemoryInfluxDB(answer, answer)
    assert influxdb.writer().write(["a v=1 1", "b v=2 2"]) == [None, None]
    assert influxdb.stored == {"a v=1 1", "b v=2 2"}
    assert len(influxdb.requests) == 3


def test_a_proxy_that_takes_no_large_requests_gets_smaller_ones():
    influxdb = InMemoryInfluxDB(httpx.Response(413, html=PAGE.format("413 Request Entity Too Large")))
    assert influxdb.writer().write(["a v=1 1", "b v=1 1"]) == [None, None]
    assert len(influxdb.requests) == 3


def test_a_proxy_that_takes_no_single_row_refuses_none_and_the_limit_is_named():
    influxdb = InMemoryInfluxDB(*[httpx.Response(413, html=PAGE.format("413 Request Entity Too Large"))] * 2)
    with pytest.raises(StoreMisconfigured, match=r"a row of 1007 bytes.*[Rr]aise"):
        influxdb.writer().write(["a v=1 1" + "0" * 1000, "b v=1 1"])


@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "the token is not valid"), (403, "the token may not write"), (404, "organisation or bucket does not exist")],
)
def test_a_wrong_token_or_bucket_is_said_with_the_names_of_the_settings(status, words):
    influxdb = InMemoryInfluxDB(httpx.Response(status, json={"message": "unauthorized access"}))
    with pytest.raises(StoreMisconfigured) as error:
        influxdb.writer().write(["a v=1 1"])
    for part in (
        words,
        "HEADRACE_INFLUXDB_TOKEN",
        "headrace",
        "telemetry",
        "http://influxdb:8086",
        "unauthorized access",
    ):
        assert part in str(error.value)
    assert influxdb.pauses == []


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(429), httpx.Response(500), httpx.Response(503), httpx.ReadTimeout("slow"),
        httpx.ConnectError("refused"), httpx.RemoteProtocolError("cut off"),
    ],
    ids=repr,
)  # fmt: skip
def test_an_influxdb_that_is_away_for_a_while_gets_the_batch_again(answer):
    influxdb = InMemoryInfluxDB(answer, answer)
    assert influxdb.writer().write(["a v=1 1"]) == [None]
    assert influxdb.stored == {"a v=1 1"}
    assert len(influxdb.pauses) == 2


def test_retry_after_is_respected():
    influxdb = InMemoryInfluxDB(httpx.Response(429, headers={"Retry-After": "13"}))
    influxdb.writer().write(["a v=1 1"])
    assert influxdb.pauses == [13]


def test_a_retry_after_that_is_a_date_is_no_reason_to_fail():
    influxdb = InMemoryInfluxDB(httpx.Response(503, headers={"Retry-After": "Tue, 24 Nov 2026 10:00:00 GMT"}))
    assert influxdb.writer().write(["a v=1 1"]) == [None]


@pytest.mark.parametrize("answer", [httpx.Response(503, text="starting"), httpx.ConnectError("refused")], ids=repr)
def test_an_influxdb_that_stays_away_ends_the_patience(answer):
    influxdb = InMemoryInfluxDB(*[answer] * 1000)
    with pytest.raises(StoreUnavailable, match=r"starting|refused"):
        influxdb.writer(patience_s=30).write(["a v=1 1"])
    assert sum(influxdb.pauses) == pytest.approx(30)


def test_names_with_umlauts_are_written_as_utf8():
    influxdb = InMemoryInfluxDB()
    influxdb.writer().write(["reading,metric=Größe v=1 1"])
    assert influxdb.requests[0].content == "reading,metric=Größe v=1 1".encode()


def test_connect_takes_address_and_token_from_the_endpoints(tmp_path):
    endpoints = Endpoints.local(StackSettings(home=tmp_path, port_offset=7))
    endpoints = endpoints.model_copy(update={"influxdb_token": SecretStr("s3cret")})
    client = InfluxDBWriter.connect(endpoints)._client
    assert str(client.base_url) == "http://127.0.0.1:18093"
    assert client.headers["Authorization"] == "Token s3cret"


def test_without_a_token_none_is_sent_so_that_influxdb_says_that_it_is_missing(tmp_path):
    endpoints = Endpoints.local(StackSettings(home=tmp_path))
    assert "Authorization" not in InfluxDBWriter.connect(endpoints)._client.headers
