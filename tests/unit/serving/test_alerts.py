"""GET /alerts and verdicts on them."""

import asyncio

import orjson
import pytest

from connectors.kafka.clients import KafkaUnavailable
from connectors.redis.alerts import StoredAlert
from schemas.alert_verdict import MAX_NOTE_LENGTH, AlertVerdict, Ruling
from serving.alerts import MAX_ALERTS
from tests.unit.serving.test_posted_interactions import opened

T = 1_790_000_000_000
DISMISSED = {"verdict": "dismissed"}


def alert(device="pump-7", metric="temperature", episode=T, **more):
    return StoredAlert(device=device, metric=metric, ts=episode, value=41.0, score=5.5, **more)


def get(service, query="", **named):
    return asyncio.run(service.get(f"/alerts{query}", **named))


def path_of(device, metric="temperature", episode=T):
    return f"/alerts/{device}/{metric}/{episode}/verdict"


def decide(service, path, body=DISMISSED, key="a key of the tests"):
    """The answer of an instance that has found Kafka."""

    async def run():
        service.interaction_producer.start()
        await opened(service)
        try:
            async with service.client(key) as client:
                return await client.post(path, content=body if isinstance(body, bytes) else orjson.dumps(body))
        finally:
            service.interaction_producer.stop()

    return asyncio.run(run())


def problem(answer):
    return answer.status_code, answer.json()["type"]


def test_alerts_are_what_redis_has_with_their_verdicts(service):
    service.alerts.alerts = [
        alert(kind="spike", verdict="dismissed", note="why", threshold_raise=1.2, group=T),
        alert("b"),
    ]
    answer = get(service)
    assert answer.status_code == 200
    first, second = answer.json()["alerts"]
    assert (first["episode"], first["verdict"], first["note"], first["threshold_raise"]) == (T, "dismissed", "why", 1.2)
    assert (second["device"], second["verdict"], second["over_budget"]) == ("b", None, False)


def test_the_list_is_narrowed_by_device_time_verdict_and_number(service):
    found = [alert("a", episode=T + 3 - n, verdict="confirmed" if n == 1 else None) for n in range(4)] + [alert("b")]
    service.alerts.alerts = found
    counts = {
        "": 5,
        "?device=a": 4,
        f"?since={T + 2}": 2,
        "?open=true": 4,
        "?limit=1": 1,
        "?device=a&open=true&limit=2": 2,
    }
    assert {query: len(get(service, query).json()["alerts"]) for query in counts} == counts
    assert get(service, "?open=true&limit=2").json()["alerts"][1]["episode"] == T + 1


@pytest.mark.parametrize(
    "query", ["?limit=0", f"?limit={MAX_ALERTS + 1}", "?limit=x", "?since=yesterday", "?open=perhaps", "?device="]
)
def test_a_parameter_that_cannot_be_used_is_named(service, query):
    answer = get(service, query)
    assert problem(answer) == (400, "/problems/bad_request")
    assert query[1:].partition("=")[0] in answer.json()["detail"]


def test_without_redis_there_is_no_list_and_no_verdict(service):
    service.alerts.unavailable = True
    for answer in (get(service), decide(service, path_of("pump-7"))):
        assert problem(answer) == (503, "/problems/redis_unavailable")
        assert answer.headers["Retry-After"] == "1"
    assert service.kafka.records == []


@pytest.mark.parametrize("key", [None, "another"])
def test_alerts_need_a_key(service, key):
    async def listed():
        async with service.client(key) as client:
            return await client.get("/alerts")

    assert problem(asyncio.run(listed())) == (401, "/problems/invalid_api_key")
    assert problem(decide(service, path_of("pump-7"), key=key)) == (401, "/problems/invalid_api_key")


@pytest.mark.parametrize("note", [None, "x" * MAX_NOTE_LENGTH])
def test_a_verdict_that_kafka_has_confirmed_is_stored_under_its_device(service, note):
    service.alerts.alerts = [alert("pumpe/ü", "oil flow")]
    answer = decide(service, path_of("pumpe%2F%C3%BC", "oil%20flow"), DISMISSED | ({"note": note} if note else {}))
    assert answer.status_code == 202
    ((topic, key, value),) = service.kafka.records
    stored = AlertVerdict.model_validate_json(value)
    assert (topic, key) == ("telemetry.verdicts", "pumpe/ü".encode())
    assert (stored.device, stored.metric, stored.episode, stored.note) == ("pumpe/ü", "oil flow", T, note)
    assert stored.verdict is Ruling.DISMISSED
    assert answer.json() == stored.model_dump(mode="json", exclude={"schema_version"})


@pytest.mark.parametrize("path", [path_of("pump-8"), path_of("pump-7", "flow"), path_of("pump-7", episode=T + 1)])
def test_a_verdict_on_an_unknown_alert_is_refused_and_not_stored(service, path):
    service.alerts.alerts = [alert()]
    answer = decide(service, path)
    assert problem(answer) == (404, "/problems/unknown_alert")
    assert service.kafka.records == []


@pytest.mark.parametrize(
    "body",
    [
        b"", b"no JSON", b"[]", b"7", {}, {"verdict": "perhaps"}, DISMISSED | {"note": "x" * (MAX_NOTE_LENGTH + 1)},
        DISMISSED | {"notes": "x"}, DISMISSED | {"note": 7},
    ],
)  # fmt: skip
def test_a_body_that_is_no_verdict_is_refused(service, body):
    service.alerts.alerts = [alert()]
    assert problem(decide(service, path_of("pump-7"), body)) == (400, "/problems/bad_request")
    assert service.kafka.records == []


@pytest.mark.parametrize("episode", ["now", "1.5", "9" * 19, "", "+1"])
def test_an_episode_that_is_no_time_is_refused(service, episode):
    assert problem(decide(service, path_of("pump-7", episode=episode))) == (400, "/problems/bad_request")


def test_without_kafka_a_verdict_is_refused_and_can_be_sent_again(service):
    service.alerts.alerts = [alert()]
    service.kafka.outcome = KafkaUnavailable("gone")
    answer = decide(service, path_of("pump-7"))
    assert problem(answer) == (503, "/problems/kafka_unavailable")
    assert "the latest one counts" in answer.json()["detail"]
