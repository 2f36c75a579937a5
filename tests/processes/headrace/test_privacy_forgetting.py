"""The whole of `headrace privacy forget`: topics in memory, a real Redis, the API of an empty InfluxDB."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest
from pydantic import SecretStr
from redis import Redis
from typer.testing import CliRunner

from bench.free_port import free_port
from connectors.kafka.clients import KafkaUnavailable
from connectors.pseudonyms import KEY_FILE, read_key
from headrace.cli.main import app
from headrace.errors import NotForgotten
from headrace.privacy.finding import Finding
from headrace.privacy.forgetting import forget
from headrace.privacy.kafka_erasure import PERSONAL, ROW_STAYS, found_in
from schemas.topics import CUSTOMERS, INTERACTIONS
from stack.layout import Layout
from stack.pseudonym_key import require_key
from tests.redis_server import redis_server

USER = "17"


class InMemoryTopics:
    """Messages by topic. `unavailable_after` calls, Kafka is unavailable."""

    def __init__(self, messages=(), unavailable_after=None):
        self.messages = dict(messages)
        self.forgotten = []
        self.calls_left = unavailable_after

    def _call(self):
        if self.calls_left is not None:
            self.calls_left -= 1
            if self.calls_left < 0:
                raise KafkaUnavailable("Kafka at 127.0.0.1:9092 does not answer")

    def _found(self, topic, user, pseudonym):
        return found_in(topic, self.messages.get(topic, ()), user, pseudonym)

    def require_no_row(self, user):
        self._call()
        for topic in ROW_STAYS:
            if self._found(topic, user, user).stays:
                raise NotForgotten("the row is in the database")

    def announce(self, pseudonym):
        self._call()
        self.forgotten.append(pseudonym)
        return len(self.forgotten) - 1

    def wait_for_the_recommender(self, offset, is_running):
        self._call()
        return Finding("state of recommend_items", "it never ran")

    def look(self, user, pseudonym):
        self._call()
        for topic in PERSONAL:
            yield self._found(topic, user, pseudonym)


class InMemoryInfluxDB(BaseHTTPRequestHandler):
    """Takes each deletion and counts nothing: what the real one answers when nothing is left."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        is_query = "query" in body
        answer = b"result,table,_value\r\n,0,0\r\n" if is_query and "count()" in body["query"] else b""
        self.send_response(200 if is_query else 204)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        """Not to the terminal of the tests."""


@contextmanager
def influxdb():
    server = ThreadingHTTPServer(("127.0.0.1", 0), InMemoryInfluxDB)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def redis_port(tmp_path_factory):
    with redis_server(tmp_path_factory.mktemp("redis")) as port:
        yield port


@pytest.fixture
def redis(redis_port):
    with Redis(port=redis_port, decode_responses=True) as client:
        client.flushall()
        yield client


@pytest.fixture(scope="module")
def influxdb_url():
    with influxdb() as url:
        yield url


@pytest.fixture
def layout(tmp_path):
    layout = Layout(tmp_path / "home")
    require_key(layout)
    return layout


@pytest.fixture
def endpoints(layout, redis_port, influxdb_url):
    there = {"redis_host": "127.0.0.1", "redis_port": redis_port, "redis_password": None}
    return layout.endpoints.model_copy(update=there | {"influxdb_url": influxdb_url, "influxdb_token": SecretStr("t")})


def pseudonym_of(layout, user=USER):
    return read_key(layout.settings.secrets / KEY_FILE).pseudonym(user)


def forgotten(layout, endpoints, topics=None, user=USER):
    return list(forget(layout, endpoints, user, (), topics or InMemoryTopics()))


def stays(findings):
    return [finding.place for finding in findings if finding.stays]


def row(customer, **columns):
    value = json.dumps({"customer_id": customer, **columns}).encode()
    return SimpleNamespace(key=customer.encode(), value=value)


def test_a_user_is_forgotten_beside_somebody_with_the_same_number_in_another_field(layout, endpoints, redis):
    (layout.folder("log") / "kafka.log").write_text("10:17:03 17 partitions, port 17\n")
    old, neighbour = pseudonym_of(layout), pseudonym_of(layout, "170")
    for key in (
        f"recommendations:{old}",
        "churn:17",
        "churn:170",
        f"recommendations:{neighbour}",
        "recommendations:1*",
    ):
        redis.set(key, "{}")
    findings = forgotten(layout, endpoints, InMemoryTopics({CUSTOMERS: [row("99", tenure=17)]}))
    assert stays(findings) == []
    assert set(redis.keys()) == {"churn:170", f"recommendations:{neighbour}", "recommendations:1*"}
    assert pseudonym_of(layout) != old
    assert pseudonym_of(layout, "170") == neighbour


@pytest.mark.parametrize("user", ["*", "1?", "[17]", 'a"b', "Zoë", "a b", "x" * 256, "{17}", "100%"])
def test_only_the_keys_of_this_very_id_go_from_redis(layout, endpoints, redis, user):
    for key in (f"churn:{user}", "churn:17", "churn:1", f"churn:{user}0"):
        redis.set(key, "{}")
    assert stays(forgotten(layout, endpoints, user=user)) == []
    assert set(redis.keys()) == {"churn:17", "churn:1", f"churn:{user}0"}


def test_the_second_time_nothing_is_left_and_nothing_fails(layout, endpoints, redis):
    redis.set(f"recommendations:{pseudonym_of(layout)}", "{}")
    forgotten(layout, endpoints)
    again = forgotten(layout, endpoints)
    assert stays(again) == []
    assert {found.result for found in again if found.place not in ("key", "state of recommend_items")} == {"nothing"}


def test_the_note_about_a_deleted_row_is_reported_and_stays_until_it_expires(layout, endpoints, redis):
    redis.set("churn-deleted:17", "1719800000123", ex=3500)
    findings = forgotten(layout, endpoints)
    assert stays(findings) == []
    assert "the note that the row was deleted, gone within 59 minutes" in [found.result for found in findings]
    assert redis.exists("churn-deleted:17")


def test_stores_that_are_unavailable_are_a_line_each_and_the_next_run_completes(layout, endpoints, redis):
    old = pseudonym_of(layout)
    redis.set(f"recommendations:{old}", "{}")
    nowhere = {"redis_port": free_port(), "influxdb_url": f"http://127.0.0.1:{free_port()}"}
    findings = forgotten(layout, endpoints.model_copy(update=nowhere))
    assert stays(findings) == ["Redis", "InfluxDB", "key"]
    assert all("\n" not in finding.result for finding in findings)
    assert pseudonym_of(layout) == old
    assert stays(forgotten(layout, endpoints)) == []
    assert pseudonym_of(layout) != old
    assert not redis.exists(f"recommendations:{old}")


def test_one_store_that_is_unavailable_does_not_keep_the_other_from_being_erased(layout, endpoints, redis):
    redis.set("churn:17", "{}")
    nowhere = {"influxdb_url": f"http://127.0.0.1:{free_port()}"}
    assert stays(forgotten(layout, endpoints.model_copy(update=nowhere))) == ["InfluxDB", "key"]
    assert not redis.exists("churn:17")


@pytest.mark.parametrize("calls", [0, 1, 2, 3])
def test_kafka_that_becomes_unavailable_anywhere_is_one_line_and_the_next_run_completes(layout, endpoints, calls):
    with pytest.raises(NotForgotten, match=r"does not answer.* Run the command again"):
        forgotten(layout, endpoints, InMemoryTopics(unavailable_after=calls))
    assert stays(forgotten(layout, endpoints)) == []


def test_a_user_who_is_still_a_customer_keeps_everything(layout, endpoints, redis):
    redis.set("churn:17", "{}")
    old = pseudonym_of(layout)
    with pytest.raises(NotForgotten, match="the row is in the database"):
        forgotten(layout, endpoints, InMemoryTopics({CUSTOMERS: [row("17")]}))
    assert redis.exists("churn:17")
    assert pseudonym_of(layout) == old


def test_records_under_the_id_itself_are_said_to_stay(layout, endpoints):
    past_the_api = SimpleNamespace(key=b"17", value=b'{"user":"17"}')
    assert stays(forgotten(layout, endpoints, InMemoryTopics({INTERACTIONS: [past_the_api]}))) == ["topic interactions"]


@pytest.mark.parametrize(("user", "said"), [("", "The id is empty"), ("\udcff", "not UTF-8")])
def test_what_is_no_id_is_refused_before_anything_is_done(layout, endpoints, user, said):
    topics = InMemoryTopics()
    with pytest.raises(NotForgotten, match=said):
        forgotten(layout, endpoints, topics, user)
    assert topics.forgotten == []


def test_without_kafka_the_command_ends_with_one_line(layout):
    nowhere = {"HEADRACE_KAFKA": f"127.0.0.1:{free_port()}"}
    shown = CliRunner().invoke(app, ["privacy", "forget", "17", "--yes", "--home", str(layout.home)], env=nowhere)
    assert shown.exit_code == 1
    assert "does not answer" in shown.stderr
    assert len(shown.stderr.strip().splitlines()) == 1
