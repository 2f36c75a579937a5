"""POST /interactions: taken when Kafka has confirmed it."""

import asyncio
import time

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.errors import KafkaTimeoutError

from connectors.kafka.clients import KafkaUnavailable
from schemas.interaction import Interaction
from schemas.topics import INTERACTIONS
from serving.errors import ApiError
from serving.interactions import read
from tests.unit.serving.instance_in_memory import KafkaInMemory, Service, pseudonym_of

NOW_MS = 1_790_000_000_000
GOOD = {"user": "u1", "item": "i1", "action": "view", "event_time": NOW_MS}


async def opened(service):
    async with asyncio.timeout(5):
        while not service.interaction_producer.available:
            await asyncio.sleep(0.001)


def post(service, *bodies, **named):
    """Answers, one after the other, of an instance that has found Kafka."""

    async def run():
        service.interaction_producer.start()
        await opened(service)
        try:
            return [await service.post(content=orjson.dumps(body), **named) for body in bodies]
        finally:
            service.interaction_producer.stop()

    return asyncio.run(run())


def test_what_kafka_has_confirmed_is_told_to_be_stored(service):
    (answer,) = post(service, GOOD | {"exposure_id": "e1", "context": {"page": "home"}})
    assert (answer.status_code, answer.json()) == (202, {"stored": 1, "event_times": [NOW_MS]})
    ((topic, key, value),) = service.kafka.records
    assert (topic, key) == (INTERACTIONS.name, pseudonym_of("u1").encode())
    stored = Interaction(**GOOD | {"user": pseudonym_of("u1")}, exposure_id="e1", context={"page": "home"})
    assert Interaction.model_validate_json(value) == stored


def test_several_come_in_their_order(service):
    (answer,) = post(service, [GOOD, GOOD | {"user": "u2", "item": None, "action": "login"}])
    assert answer.json()["stored"] == 2
    assert [key for _, key, _ in service.kafka.records] == [pseudonym_of(user).encode() for user in ("u1", "u2")]
    assert service.metric("interactions_stored_total") == 2


def test_without_a_time_it_is_when_the_request_came(service):
    before_ms = time.time_ns() // 1_000_000
    (answer,) = post(service, {"user": "u1", "action": "login"})
    (event_time,) = answer.json()["event_times"]
    assert before_ms <= event_time <= time.time_ns() // 1_000_000
    assert orjson.loads(service.kafka.records[0][2])["event_time"] == event_time


@pytest.mark.parametrize("outcome", ["silence", KafkaTimeoutError("no broker")])
def test_what_kafka_does_not_confirm_is_not_told_to_be_stored(outcome):
    service = Service(kafka_timeout_s=0.2)
    service.kafka.outcome = outcome
    (answer,) = post(service, GOOD)
    assert (answer.status_code, answer.json()["type"], answer.headers["retry-after"]) == (
        503,
        "/problems/kafka_unavailable",
        "1",
    )
    assert service.metric("interactions_failed_total") == 1
    assert service.metric("interactions_stored_total") == 0
    assert service.metric("interactions_unconfirmed") == 0


def test_one_of_several_that_fails_fails_all(service):
    outcomes = iter(["confirmed", KafkaTimeoutError("no broker")])
    plain = service.kafka.send

    def send(topic, **named):
        service.kafka.outcome = next(outcomes)
        return plain(topic, **named)

    service.kafka.send = send
    (answer,) = post(service, [GOOD, GOOD])
    assert answer.status_code == 503


def test_before_kafka_was_found_it_is_refused_at_once(service):
    answer = asyncio.run(service.post(content=orjson.dumps(GOOD)))
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/kafka_unavailable")


def test_after_a_failure_the_client_of_kafka_is_made_anew(service):
    first, second = KafkaInMemory(), KafkaInMemory()
    first.outcome = KafkaTimeoutError("no broker")
    made = iter([first, second])
    service.connects = lambda: next(made)

    async def run():
        service.interaction_producer.start()
        await opened(service)
        answers = [await service.post(content=orjson.dumps(GOOD))]
        await opened(service)
        answers.append(await service.post(content=orjson.dumps(GOOD)))
        service.interaction_producer.stop()
        return [answer.status_code for answer in answers]

    assert asyncio.run(run()) == [503, 202]
    assert first.closed
    assert len(second.records) == 1


def test_kafka_is_looked_for_until_it_is_there():
    service = Service(retry_s=0.01)
    tries = iter([KafkaUnavailable("no"), KafkaUnavailable("no"), None])

    def connect():
        if (error := next(tries)) is not None:
            raise error
        return service.kafka

    service.connects = connect
    (answer,) = post(service, GOOD)
    assert answer.status_code == 202


def test_too_many_that_wait_are_refused_at_once():
    service = Service(kafka_timeout_s=0.2, max_unconfirmed=3)
    service.kafka.outcome = "silence"

    async def run():
        service.interaction_producer.start()
        await opened(service)
        answers = await asyncio.gather(*(service.post(content=orjson.dumps([GOOD, GOOD])) for _ in range(2)))
        service.interaction_producer.stop()
        return sorted(answer.json()["detail"][:24] for answer in answers)

    assert asyncio.run(run()) == ["2 interactions wait for ", "Kafka did not confirm wi"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ([], "1 to 100"), ([{}] * 101, "1 to 100"), (7, "interaction 0"), (None, "interaction 0"),
        ([GOOD, {}], "interaction 1: user: Field required"),
        ({"user": "u"}, "action: Field required"), (GOOD | {"user": ""}, "user"), (GOOD | {"user": "u" * 201}, "user"),
        (GOOD | {"user": "a\nb"}, "user"), (GOOD | {"user": 7}, "user"), (GOOD | {"item": ""}, "item"),
        (GOOD | {"action": None}, "action"), (GOOD | {"action": "a" * 51}, "action"),
        (GOOD | {"event_time": "now"}, "event_time"), (GOOD | {"event_time": 1_790_000_000}, "event_time"),
        (GOOD | {"event_time": 1.5}, "event_time"), (GOOD | {"event_time": 10**15}, "over 5 minutes in the future"),
        (GOOD | {"event_time": 1_790_000_000}, "before 2010 and looks like seconds"),
        (GOOD | {"event_time": 1_700_000_000_000_000}, "looks like microseconds"),
        (GOOD | {"event_time": 1_700_000_000_000_000_000}, "looks like nanoseconds"),
        (GOOD | {"event_time": 0}, "before 2010"), (GOOD | {"event_time": -1_700_000_000_000}, "before 2010"),
        (GOOD | {"event_time": 1_700_000_000_000.0}, "event_time"), (GOOD | {"event_time": ""}, "event_time"),
        (GOOD | {"event_time": "2026-09-21T14:13:20Z"}, "event_time"),
        (GOOD | {"event_time": "1700000000000,5"}, "event_time"),
        (GOOD | {"event_time": True}, "event_time"), (GOOD | {"context": {"a": 1}}, "context"),
        (GOOD | {"colour": "red"}, "colour: Extra inputs are not permitted"),
    ],
)  # fmt: skip
def test_a_bad_interaction_is_named_and_nothing_is_stored(service, body, said):
    (answer,) = post(service, body)
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/bad_request")
    assert said in answer.json()["detail"]
    assert service.kafka.records == []


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b'{"user":"\\ud800","action":"x"}', b"[" * 3000])
def test_a_body_that_is_not_json_is_refused(service, content):
    answer = asyncio.run(service.post(content=content))
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/bad_request")


def test_a_huge_body_is_refused(service):
    answer = asyncio.run(service.post(content=b" " * 5000))
    assert (answer.status_code, answer.json()["type"]) == (413, "/problems/content_too_large")


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda e: st.lists(e) | st.dictionaries(
    st.sampled_from(["user", "item", "action", "event_time", "context"]), e)))  # fmt: skip
def test_any_json_is_interactions_or_a_problem(value):
    try:
        body = orjson.dumps(value)
    except TypeError:  # over 64 bits, or a lone surrogate
        return
    try:
        found = read(body, NOW_MS)
    except ApiError:
        return
    assert all(isinstance(each, Interaction) for each in found)


def test_an_instance_holds_few_interactions_back_at_its_end():
    service = Service(kafka_timeout_s=0.2)
    service.kafka.outcome = "silence"
    (answer,) = post(service, GOOD)
    assert answer.status_code == 503
    assert service.kafka.closed
