"""Health, metrics, and an OpenAPI description that is what the API does."""

import asyncio
import json
import re
import time

import pytest

from connectors.kafka.clients import KafkaUnavailable
from serving import stored_lists
from serving.interactions import MAX_BATCH
from serving.params import (
    DEFAULT_LIMIT,
    MAX_CONTEXT_LENGTH,
    MAX_EXCLUDED,
    MAX_ID_LENGTH,
    QUERY_PARAMETERS,
    ListParams,
)
from tests.unit.serving.instance_in_memory import Service, stored_list

U1 = "/users/u1/recommendations"


def get(service, path):
    return asyncio.run(service.get(path))


def test_it_is_ready_once_redis_has_answered():
    service = Service()
    service.redis.unavailable = True
    asyncio.run(service.cache.refresh())
    answer = get(service, "/readyz")
    assert (answer.status_code, answer.text) == (503, "waiting for Redis: Redis does not answer (gone)\n")
    service.redis.unavailable = False
    asyncio.run(service.cache.refresh())
    answer = get(service, "/readyz")
    assert (answer.status_code, answer.text) == (503, "connecting to Kafka\n")
    service.interaction_producer.connection_attempted = True
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
    assert get(service, "/readyz").text.startswith("ready\n" if found else "ready; Kafka is unavailable")


def test_it_stays_ready_while_redis_or_kafka_is_away_and_says_so(service):
    service.interaction_producer.connection_attempted = True
    service.redis.unavailable = True
    asyncio.run(service.cache.refresh())
    answer = get(service, "/readyz")
    assert answer.status_code == 200
    assert "Redis is unavailable" in answer.text
    assert "Kafka is unavailable" in answer.text


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


BOUNDS = [
    ("limit=1", 200), ("limit=50", 200), ("limit=0", 400), ("limit=51", 400),
    (f"context={'c' * MAX_CONTEXT_LENGTH}", 200), (f"context={'c' * (MAX_CONTEXT_LENGTH + 1)}", 400),
    (f"exclude={','.join(f'i{n}' for n in range(MAX_EXCLUDED))}", 200),
    (f"exclude={','.join(f'i{n}' for n in range(MAX_EXCLUDED + 1))}", 400),
    (f"exclude={'i' * MAX_ID_LENGTH}", 200), (f"exclude={'i' * (MAX_ID_LENGTH + 1)}", 400),
]  # fmt: skip


@pytest.mark.parametrize(("query", "status"), BOUNDS)
@pytest.mark.parametrize("path", ["/users/u1/recommendations", "/items/i1/similar"])
def test_a_bound_is_kept_on_both_sides(service, path, query, status):
    assert get(service, f"{path}?{query}").status_code == status


@pytest.mark.parametrize(
    ("path", "name"), [("/users/{user}/recommendations", "user"), ("/items/{item}/similar", "item")]
)
def test_the_described_bounds_are_those_that_are_kept(described, path, name):
    found = parameters(described, path)
    assert found.keys() == {name, "limit", "context", "exclude"}
    limit = found["limit"]
    assert (limit["minimum"], limit["maximum"], limit["default"]) == (1, stored_lists.MAX_ITEMS, DEFAULT_LIMIT)
    assert found[name]["maxLength"] == MAX_ID_LENGTH
    assert found["context"]["maxLength"] == MAX_CONTEXT_LENGTH
    exclude = found["exclude"]
    assert (exclude["maxItems"], exclude["items"]["maxLength"]) == (MAX_EXCLUDED, MAX_ID_LENGTH)


def test_what_the_description_lists_is_what_the_parser_reads(described):
    assert tuple(each["name"] for each in QUERY_PARAMETERS) == ListParams._fields


def test_the_description_has_no_answer_that_never_comes(described):
    """FastAPI adds a 422 to every operation whose parameters it knows."""
    statuses = {
        status for path in described["paths"].values() for each in path.values() for status in each["responses"]
    }
    assert "422" not in statuses


def test_the_description_declares_every_parameter_of_every_path(described):
    for path, operations in described["paths"].items():
        for operation in operations.values():
            declared = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "path"}
            assert declared == set(re.findall(r"{(\w+)}", path)), path


def test_every_reference_of_the_description_leads_somewhere(described):
    references = re.findall(r"#/components/schemas/(\w+)", json.dumps(described))
    assert {"Problem", "PostedInteraction"} <= set(references) <= described["components"]["schemas"].keys()


def test_the_description_has_examples_errors_and_the_key(described):
    schemas = described["components"]["schemas"]
    for name in ("Recommendations", "StoredInteractions", "Problem"):
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


def test_the_documentation_page_loads_nothing_from_elsewhere(service):
    page = get(service, "/docs")
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert {path.rpartition(".")[2] for path in loaded} >= {"js", "css"}
    for path in loaded:
        assert path.startswith("/"), path
        assert get(service, path).status_code == 200, path
    assert "https://" not in page.text
    assert "http://" not in page.text
