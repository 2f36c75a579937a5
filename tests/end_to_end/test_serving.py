"""The REST API behind HAProxy on real Redis and Kafka, on a stack of its own without the rest."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection

import httpx
import psutil
import pytest
from redis import Redis

from connectors.endpoints import SERVING_PORT
from connectors.kafka.scan import scan
from schemas.exposure import Exposure
from schemas.interaction import Interaction
from schemas.topics import EXPOSURES, INTERACTIONS
from stack.secrets import SERVING_KEY, secret_file
from stack.supervision import Supervision
from tests.end_to_end.conftest import PORT_OFFSET, started
from tests.end_to_end.waiting import eventually, in_the_end

SERVERS = {"kafka", "redis", "serving-1", "serving-2", "haproxy"}
CLIENTS = 8
NOW_MS = 1_790_000_000_000


@pytest.fixture(scope="module")
def served_alone():
    with started(PORT_OFFSET + 700, "--with", "serving=2", "--only", "haproxy,serving-2") as stack:
        yield stack


@pytest.fixture
def served(served_alone):
    return served_alone


@pytest.fixture
def url(served):
    return f"http://127.0.0.1:{served.layout.port(SERVING_PORT)}"


@pytest.fixture
def key(served):
    return secret_file(served.layout, SERVING_KEY).read_text().strip()


@pytest.fixture
def client(url, key):
    with httpx.Client(base_url=url, headers={"X-API-Key": key}, timeout=20) as client:
        yield client


@pytest.fixture
def list_of_u1(served):
    """Its key in Redis."""
    return f"recommendations:{served.pseudonym_of('u1')}"


@pytest.fixture
def redis(served, list_of_u1):
    with Redis.from_url(served.endpoints.redis_url) as redis:
        redis.set("popular:items", stored_list("p"))
        redis.set(list_of_u1, stored_list("i"))
        redis.delete("items:withdrawn")
        yield redis


@pytest.fixture(autouse=True)
def _all_is_well(served, client, redis):
    # Each instance finds out by itself that Redis and Kafka are there again.
    eventually(lambda: ready(served, 1) and ready(served, 2))
    eventually(lambda: client.get("/users/u1/recommendations").json().get("source") == "personal")


def stored_list(letter, many=50):
    return json.dumps({
        "items": [f"{letter}{n}" for n in range(many)], "scores": [1 - n / 100 for n in range(many)],
        "why": [0] * many, "reasons": ["popular"], "model_version": "v3", "generated_at": NOW_MS,
    })  # fmt: skip


def recommended(client, **parameters):
    answer = client.get("/users/u1/recommendations", params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


def names(answer):
    return [each["item"] for each in answer["items"]]


def post(client, user="u1", item="i1"):
    return client.post("/interactions", json={"user": user, "item": item, "action": "view", "event_time": NOW_MS})


def values(stack, topic):
    return [topic.record.model_validate_json(each.value) for each in scan(stack.endpoints.kafka, topic)]


def pid_of(stack, name):
    return Supervision(stack.layout).process(name)["pid"]


def metric(stack, number, name):
    port = stack.layout.port(SERVING_PORT + number)
    text = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=5).text
    (found,) = [line.split()[1] for line in text.splitlines() if line.startswith(f"headrace_serving_{name} ")]
    return float(found)


def ready(stack, number):
    with contextlib.suppress(httpx.HTTPError):
        answer = httpx.get(f"http://127.0.0.1:{stack.layout.port(SERVING_PORT + number)}/readyz", timeout=2)
        return answer.text == "ready\n"
    return False


@dataclass
class Load:
    """Clients that ask and post without a pause, inside the block."""

    url: str
    key: str
    outcomes: Counter = field(default_factory=Counter)
    """(GET or POST, status or the error's name) -> how many."""
    confirmed: list[str] = field(default_factory=list)
    """Items of interactions that were answered with 202."""

    def __enter__(self) -> "Load":
        self._over, self._counting = threading.Event(), threading.Lock()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(CLIENTS)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(60)

    def more(self, many: int) -> bool:
        """Whether so many more requests were answered since the last call that was true."""
        total = sum(self.outcomes.values())
        if total < self._mark + many:
            return False
        self._mark = total
        return True

    _mark: int = 0

    def failures(self, method: str) -> dict:
        return {what: n for (how, what), n in self.outcomes.items() if how == method and what not in (200, 202)}

    def _run(self, number: int) -> None:
        with httpx.Client(base_url=self.url, headers={"X-API-Key": self.key}, timeout=20) as client:
            turn = 0
            while not self._over.is_set():
                turn += 1
                if turn % 5:
                    self._count("GET", lambda: client.get("/users/u1/recommendations").status_code)
                else:
                    item = f"load-{number}-{turn}"
                    if self._count("POST", lambda item=item: post(client, "loaded", item).status_code) == 202:
                        self.confirmed.append(item)

    def _count(self, method, ask):
        try:
            what = ask()
        except httpx.HTTPError as error:
            what = type(error).__name__
        with self._counting:
            self.outcomes[method, what] += 1
        return what


@contextlib.contextmanager
def stopped(stack, name) -> Iterator[None]:
    """A server of the stack does not run inside the block."""
    supervision = Supervision(stack.layout)
    supervision.stop([name])
    try:
        yield
    finally:
        supervision.start_process(name)


@contextlib.contextmanager
def frozen(stack, name) -> Iterator[None]:
    """It takes connections and answers none."""
    process = psutil.Process(pid_of(stack, name))
    process.suspend()
    try:
        yield
    finally:
        process.resume()


@pytest.mark.parametrize("separator", ["&exclude=", ",", "%2C"])
def test_200_items_of_200_characters_can_be_excluded_through_haproxy(client, separator):
    ids = [f"x{number:03}".ljust(200, "x") for number in range(198)] + ["i0", "i1"]
    answer = client.get(f"/users/u1/recommendations?limit=50&exclude={separator.join(ids)}")
    assert (answer.status_code, names(answer.json())) == (200, [f"i{n}" for n in range(2, 50)])


@pytest.mark.parametrize("length", [62_000, 66_000, 80_000])
def test_a_url_that_is_too_long_is_refused_in_json_by_the_instance_or_by_haproxy(url, key, length):
    with contextlib.closing(HTTPConnection(url.removeprefix("http://"))) as connection:  # httpx has a limit of its own
        connection.request(
            "GET", f"/users/u1/recommendations?exclude={'x,' * (length // 2)}", headers={"X-API-Key": key}
        )
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())["type"]) == (414, "/problems/uri_too_long")


def test_only_what_was_asked_for_runs_and_it_listens_on_loopback_only(served):
    def running():
        processes = Supervision(served.layout).processes().items()
        return {name for name, info in processes if info["statename"] == "RUNNING"}

    in_the_end(running, SERVERS)
    listening = [
        (name, each.laddr.ip)
        for name in SERVERS
        for each in psutil.Process(pid_of(served, name)).net_connections("inet")
        if each.status == psutil.CONN_LISTEN
    ]
    assert {name for name, _ in listening} == SERVERS
    assert {ip.removeprefix("::ffff:") for _, ip in listening} == {"127.0.0.1"}


def test_a_list_is_answered_and_its_exposure_is_in_kafka(served, client):
    answer = recommended(client, limit=3, exclude="i0,i2", context="home page")
    assert names(answer) == ["i1", "i3", "i4"]

    def exposed():
        return [each for each in values(served, EXPOSURES) if each.exposure_id == answer["exposure_id"]]

    (exposure,) = eventually(exposed)
    assert isinstance(exposure, Exposure)
    u1 = served.pseudonym_of("u1")
    assert (exposure.user, exposure.items, exposure.context) == (u1, ("i1", "i3", "i4"), "home page")


def test_a_changed_list_and_a_withdrawn_item_are_seen(client, redis, list_of_u1):
    recommended(client)
    redis.set(list_of_u1, stored_list("n"))
    redis.sadd("items:withdrawn", "n0")
    eventually(lambda: names(recommended(client, limit=1)) == ["n1"])
    redis.srem("items:withdrawn", "n0")
    eventually(lambda: names(recommended(client, limit=1)) == ["n0"])


def test_an_interaction_is_in_kafka_when_it_is_answered(served, client):
    answer = post(client, "u7", "answered")
    assert (answer.status_code, answer.json()) == (202, {"stored": 1, "event_times": [NOW_MS]})
    u7 = served.pseudonym_of("u7")
    found = [each for each in values(served, INTERACTIONS) if each.user == u7]
    assert found == [Interaction(user=u7, item="answered", action="view", event_time=NOW_MS)]


def test_a_killed_instance_is_no_error_for_who_asks(served, url, key):
    """What it had been asked to store is not known to be stored; what was confirmed is."""
    killed = pid_of(served, "serving-1")
    with Load(url, key) as load:
        eventually(lambda: load.more(200))
        os.kill(killed, signal.SIGKILL)
        eventually(lambda: load.more(400))
        eventually(lambda: pid_of(served, "serving-1") not in (0, killed) and ready(served, 1))
        eventually(lambda: load.more(200))
    # The one error there may be: killed between the two halves of an answer.
    assert sum(load.failures("GET").values()) <= 1, load.outcomes
    assert sum(load.failures("POST").values()) <= CLIENTS, load.outcomes
    assert set(load.confirmed) <= {each.item for each in values(served, INTERACTIONS)}


def test_an_instance_that_is_stopped_is_no_error_for_anybody(served, url, key):
    with Load(url, key) as load:
        eventually(lambda: load.more(200))
        with stopped(served, "serving-2"):
            eventually(lambda: load.more(300))
        eventually(lambda: ready(served, 2))
        eventually(lambda: load.more(200))
    assert load.failures("GET") == {}
    assert load.failures("POST") == {}
    assert set(load.confirmed) <= {each.item for each in values(served, INTERACTIONS)}


@pytest.mark.parametrize("gone", [stopped, frozen], ids=["stopped", "frozen"])
def test_while_redis_is_gone_the_popular_list_stands_in(served, client, redis, gone):
    with gone(served, "redis"):
        # Each instance may still have the list of half a second ago.
        eventually(lambda: all(recommended(client)["degraded"] for _ in range(6)))
        answer = recommended(client, limit=2)
        assert (names(answer), answer["source"]) == (["p0", "p1"], "popular")
        began = time.monotonic()
        for _ in range(20):
            assert recommended(client)["source"] == "popular"
        assert time.monotonic() - began < 20 * 0.5, "each waited for Redis, until its 0.5 s were over"
    # Each instance finds out by itself.
    eventually(lambda: all(recommended(client)["source"] == "personal" for _ in range(6)))
    assert recommended(client)["degraded"] is False


def test_nobody_gets_the_list_of_another_while_redis_hangs_and_comes_back(served, url, key, redis):
    """An answer that comes after its question was given up must not become the answer to the next."""
    users = [f"x{number}" for number in range(40)]
    for user in users:
        redis.set(f"recommendations:{served.pseudonym_of(user)}", stored_list(f"{user}-"))
    over, answered, foreign = threading.Event(), Counter(), []

    def ask(mine):
        with httpx.Client(base_url=url, headers={"X-API-Key": key}, timeout=20) as client:
            while not over.is_set():
                for user in mine:
                    answer = client.get(f"/users/{user}/recommendations", params={"limit": 1}).json()
                    answered[answer["source"]] += 1
                    if answer["source"] == "personal" and names(answer) != [f"{user}-0"]:
                        foreign.append(answer)

    def answers(source):
        before = answered[source]
        eventually(lambda: answered[source] >= before + 100)

    threads = [threading.Thread(target=ask, args=(users[number::CLIENTS],)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(5):
            answers("personal")
            with frozen(served, "redis"):
                answers("popular")
        answers("personal")
    finally:
        over.set()
        for thread in threads:
            thread.join(30)
    assert foreign == []


@pytest.mark.parametrize("gone", [stopped, frozen], ids=["stopped", "frozen"])
def test_while_kafka_is_gone_interactions_are_refused_in_time_and_lists_go_on(served, client, gone):
    stored = sum(metric(served, number, "exposures_stored_total") for number in (1, 2))
    with gone(served, "kafka"):
        for _ in range(3):
            answer = post(client, "u8", "refused")
            # After 10 s it would be HAProxy's 504.
            assert (answer.status_code, answer.json()["type"]) == (503, "/problems/kafka_unavailable")
            assert answer.headers["retry-after"] == "1"
        for _ in range(50):
            assert recommended(client)["source"] == "personal"
        assert sum(metric(served, number, "exposures_waiting") for number in (1, 2)) >= 50
    item = f"after-{time.time_ns()}"
    eventually(lambda: ready(served, 1) and ready(served, 2))
    eventually(lambda: post(client, "u9", item).status_code == 202)
    assert item in {each.item for each in values(served, INTERACTIONS)}
    # What waited is there in the end: 50 lists were not worth dropping.
    eventually(lambda: sum(metric(served, n, "exposures_stored_total") for n in (1, 2)) >= stored + 50)
    assert sum(metric(served, number, "exposures_dropped_total") for number in (1, 2)) == 0


def test_a_wrong_key_opens_nothing_and_a_new_one_does_until_it_is_removed(served, url):
    def status(key):
        return httpx.get(f"{url}/users/u1/recommendations", headers={"X-API-Key": key}).status_code

    assert httpx.get(f"{url}/users/u1/recommendations").status_code == 401
    new = "a new key of an application"
    assert status(new) == 401
    file = served.home / "secrets" / "serving-key-shop"
    file.write_text(f"{new}\n")
    # Twice in a row, so that both instances are likely to have been asked; the next line waits for the rest.
    eventually(lambda: [status(new) for _ in range(4)] == [200] * 4)
    file.unlink()
    eventually(lambda: [status(new) for _ in range(4)] == [401] * 4)


@pytest.fixture
def limited(served):
    """An instance of the test's own that takes few requests."""
    port = served.layout.port(SERVING_PORT + 9)
    settings = {"HEADRACE_SERVING_PORT": str(port), "HEADRACE_SERVING_RATE_LIMIT": "2"}
    settings |= {"HEADRACE_SERVING_RATE_BURST": "3", "HEADRACE_SERVING_DRAIN_S": "0"}
    process = subprocess.Popen([sys.executable, "-m", "serving"], env=served.environment | settings)
    try:
        eventually(lambda: ready(served, 9))
        yield process, f"http://127.0.0.1:{port}"
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(10)


def test_a_key_that_asks_too_often_is_told_when_to_come_back(limited, key):
    process, url = limited
    with httpx.Client(base_url=url, headers={"X-API-Key": key}) as client:
        answers = [client.get("/users/u1/recommendations") for _ in range(5)]
        assert [each.status_code for each in answers[:3]] == [200] * 3
        assert answers[4].status_code == 429
        assert answers[4].json()["type"] == "/problems/rate_limited"
        assert int(answers[4].headers["retry-after"]) >= 1
        eventually(lambda: client.get("/users/u1/recommendations").status_code == 200)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0


def test_haproxy_answers_in_the_same_form_when_no_instance_lives(served, client):
    with stopped(served, "serving-1"), stopped(served, "serving-2"):
        answer = client.get("/users/u1/recommendations")
        assert (answer.status_code, answer.json()["type"]) == (503, "/problems/no_instance_available")
        assert answer.headers["retry-after"] == "1"
    eventually(lambda: client.get("/readyz").status_code == 200)
