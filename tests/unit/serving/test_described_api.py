"""Health, metrics, and a description that is what the quick paths do."""

import asyncio
import time

import pytest

from connectors.kafka.clients import KafkaUnavailable
from serving import stored_lists
from serving.interactions import MAX_BATCH
from serving.params import DEFAULT_LIMIT, MAX_CONTEXT_LENGTH, MAX_ID_LENGTH
from tests.unit.serving.instance_in_memory import KEY, Service, stored_list

U1 = "/users/u1/recommendations"


def get(service, path):
    return asyncio.run(service.get(path))


def test_it_is_ready_once_redis_has_answered():
    service = Service()
    service.redis.unavailable_reason = True
    asyncio.run(service.cache.refresh())
    answer = get(service, "/readyz")
    assert (answer.status_code, answer.text) == (503, "waiting for Redis: gone\n")
    service.redis.unavailable_reason = False
    asyncio.run(service.cache.refresh())
    answer = get(service, "/readyz")
    assert (answer.status_code, answer.text) == (503, "connecting to Kafka\n")
    service.interaction_producer.asked = True
    assert get(service, "/readyz").status_code == 200


@pytest.mark.parametrize("found", [True, False])
def test_it_is_ready_once_it_has_looked_for_kafka_whether_it_found_it_or_not(service, found):
    def connect():
        if not found:
            raise KafkaUnavailable("no")
        return service.kafka

    service.connects = connect
    service.interaction_producer.start()
    until = time.monotonic() + 5
    while get(service, "/readyz").status_code != 200 and time.monotonic() < until:
        time.sleep(0.001)
    service.interaction_producer.stop()
    assert get(service, "/readyz").text.startswith("ready\n" if found else "ready; Kafka is away")


def test_it_stays_ready_while_redis_or_kafka_is_away_and_says_so(service):
    service.interaction_producer.asked = True
    service.redis.unavailable_reason = True
    asyncio.run(service.cache.refresh())
    answer = get(service, "/readyz")
    assert answer.status_code == 200
    assert "Redis is away" in answer.text
    assert "Kafka is away" in answer.text


def test_while_it_drains_it_is_not_ready_and_answers(service):
    service.health.draining = True
    assert get(service, "/readyz").status_code == 503
    assert get(service, "/healthz").status_code == 200
    assert get(service, U1).status_code == 200


def test_a_key_that_cannot_be_used_is_in_the_metrics(service):
    service.pseudonyms.failures = 3
    assert service.metric("pseudonym_key_failures_total") == 3


def test_metrics_are_prometheus_text(service):
    get(service, U1)
    answer = get(service, "/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert 'headrace_serving_lists_total{source="popular"} 1.0' in answer.text
    assert "headrace_serving_exposures_waiting 1.0" in answer.text


@pytest.fixture
def described(service):
    return get(service, "/openapi.json").json()


def parameters(described, path):
    return {each["name"]: each["schema"] for each in described["paths"][path]["get"]["parameters"]}


@pytest.mark.parametrize(
    ("path", "name"), [("/users/{user}/recommendations", "user"), ("/items/{item}/similar", "item")]
)
def test_the_described_bounds_are_those_that_are_kept(described, path, name):
    found = parameters(described, path)
    assert found.keys() == {name, "limit", "context", "exclude"}
    limit = found["limit"]
    assert (limit["minimum"], limit["maximum"], limit["default"]) == (1, stored_lists.MAX_ITEMS, DEFAULT_LIMIT)
    assert found[name]["maxLength"] == MAX_ID_LENGTH
    assert found["context"]["anyOf"][0]["maxLength"] == MAX_CONTEXT_LENGTH


def test_the_description_has_examples_errors_and_the_key(described):
    schemas = described["components"]["schemas"]
    for name in ("Recommendations", "Stored", "Error"):
        assert schemas[name]["examples"]
    for path, method in (("/users/{user}/recommendations", "get"), ("/interactions", "post")):
        operation = described["paths"][path][method]
        assert {"400", "401", "429"} <= operation["responses"].keys()
        assert operation["security"] == [{"APIKeyHeader": []}]
    assert f'"maxItems": {MAX_BATCH}'.replace('"', "'") in str(described["paths"]["/interactions"])


def test_an_answer_is_what_the_description_says(service, described):
    import jsonschema

    service.redis.values[stored_lists.of_user("u1")] = stored_list(["a", "b"])
    for path, schema in ((U1, "Recommendations"), ("/items/x/similar", "SimilarItems")):
        whole = {"$ref": f"#/components/schemas/{schema}", "components": described["components"]}
        jsonschema.validate(get(service, path).json(), whole)


def test_fastapi_alone_gives_the_same_answers(service):
    """The short cut is a short cut: without it nothing changes but the cost."""
    service.redis.values[stored_lists.of_user("u1")] = stored_list(["a", "b"])

    async def ask(application):
        async with service.client(application) as client:
            answers = [await client.get(path) for path in (f"{U1}?limit=1", "/items/x/similar", f"{U1}?limit=0")]
            answers.append(await client.post("/interactions", content=b"{"))
        return [(each.status_code, {k: v for k, v in each.json().items() if k != "exposure_id"}) for each in answers]

    assert asyncio.run(ask(service.fastapi)) == asyncio.run(ask(service.application))


def test_a_key_is_wanted_also_without_the_short_cut(service):
    async def ask():
        async with service.client(service.fastapi, key=None) as client:
            return (await client.get(U1)).status_code

    assert asyncio.run(ask()) == 401
    assert KEY
