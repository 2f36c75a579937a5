"""What users do with their lists on the real servers: from the API to the topic, InfluxDB, /metrics and `status`."""

import json
import re
import time
from collections import Counter

import httpx
import pytest
from redis import Redis

from connectors.endpoints import SERVING_PORT
from connectors.experiments_file import DECLARED, ExperimentsFile
from connectors.influxdb.reader import InfluxDBReader
from connectors.kafka.scan import scan
from headrace import submission
from schemas.experiment import CONTROL, TREATMENT
from schemas.recommendation_feedback import SHOWN, RecommendationFeedback
from schemas.topics import RECOMMENDATIONS_FEEDBACK
from stack.secrets import SERVING_KEY, secret_file
from tests.end_to_end.waiting import eventually, in_the_end

NAME, VERSION = "feedback", "20260101-000000-abcdef"
DECLARATION = f"""
[{NAME}]
control = {{ share = 40, list = "popular" }}
treatment = {{ share = 40, list = "personal" }}
success = ["buy"]
within_h = 0.05
"""
LATER_MS = 4 * 60 * 1000
"""Behind `within_h`, and not so far ahead that it would be refused."""
MEASURED_EVERY_S = 5
MEASURED_WITHIN_S = 60.0
ITEMS = ["own", "second", "third", "fourth"]


@pytest.fixture(scope="module")
def served(running):
    """The stack with an instance of the API, the job that measures each few seconds, and an experiment."""
    (running.home / DECLARED).write_text(DECLARATION)
    running.headrace("up", "--with", "serving")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("HEADRACE_JOB_MEASURED_EVERY_S", str(MEASURED_EVERY_S))
        running.headrace("submit", "measure_recommendations")
    submission.wait_until_running(running.endpoints.flink, ("measure_recommendations",))
    yield running
    (running.home / DECLARED).unlink()


@pytest.fixture(scope="module")
def client(served):
    key = secret_file(served.layout, SERVING_KEY).read_text().strip()
    address = f"http://127.0.0.1:{served.layout.port(SERVING_PORT + 1)}"
    with httpx.Client(base_url=address, headers={"X-API-Key": key}, timeout=20) as client:
        yield client


@pytest.fixture(scope="module")
def arms(served):
    """Twelve users of each arm, by arm; None: one who is in no arm."""
    (experiment,) = ExperimentsFile(served.home).all()
    users = [f"visitor-{number}" for number in range(200)]
    arm_of = {user: experiment.arm_of(served.pseudonym_of(user)) for user in users}
    return {arm: [user for user in users if arm_of[user] == arm][:12] for arm in (CONTROL, TREATMENT, None)}


@pytest.fixture(scope="module")
def passer_by(arms):
    return arms[None][0]


@pytest.fixture(scope="module")
def expected(served, client, arms, passer_by):
    """(model version, source, arm, action) -> events, of what this module has shown and done."""
    with Redis.from_url(served.endpoints.redis_url) as redis:
        redis.set("popular:items", stored_list(["everybody's", "second"], None))
        for user in (*arms[CONTROL], *arms[TREATMENT]):
            redis.set(f"recommendations:{served.pseudonym_of(user)}", stored_list(ITEMS, VERSION))
    # The instance has seen Redis; by a user of no list who is in no arm.
    eventually(lambda: names(ask(client, passer_by)) == ["everybody's", "second"])
    lists = {user: ask(client, user)["exposure_id"] for user in (*arms[CONTROL], *arms[TREATMENT])}
    for user in (*arms[CONTROL][:2], *arms[TREATMENT][:6]):
        post(client, *(done(user, lists[user], action=action) for action in ("buy", "look")))
    bought = done(arms[TREATMENT][6], lists[arms[TREATMENT][6]], item="not in the list")
    post(client, bought, bought)
    post(client, done(passer_by, lists[arms[TREATMENT][8]]), done(arms[CONTROL][5], "of no list"))
    post(client, {"user": passer_by, "item": "x", "action": "view", "event_time": now_ms() + LATER_MS})
    control, treatment = ("none", "popular", f"{NAME}/{CONTROL}"), (VERSION, "personal", f"{NAME}/{TREATMENT}")
    return Counter({
        (*control, SHOWN): 12, (*control, "buy"): 2, (*control, "look"): 2,
        (*treatment, SHOWN): 12, (*treatment, "buy"): 7, (*treatment, "look"): 6,
    })  # fmt: skip


def stored_list(items, version):
    return json.dumps({
        "items": items, "scores": [1.0] * len(items), "why": [0] * len(items), "reasons": ["popular"],
        "model_version": version, "generated_at": 1_790_000_000_000,
    })  # fmt: skip


def now_ms():
    return int(time.time() * 1000)


def ask(client, user):
    return client.get(f"/users/{user}/recommendations").raise_for_status().json()


def names(answer):
    return [each["item"] for each in answer["items"]]


def done(user, exposure_id, item="second", action="buy"):
    return {"user": user, "item": item, "action": action, "event_time": now_ms(), "exposure_id": exposure_id}


def post(client, *interactions):
    """At once: a copy in another window than its original would be counted there."""
    client.post("/interactions", json=list(interactions)).raise_for_status()


def of_this_module(found):
    return Counter({labels: events for labels, events in found.items() if labels[2].startswith(f"{NAME}/")})


def test_feedback_is_in_its_topic_by_version_source_arm_and_action(served, expected):
    def counted():
        found = Counter()
        for message in scan(served.endpoints.kafka, RECOMMENDATIONS_FEEDBACK):
            each = RecommendationFeedback.model_validate_json(message.value)
            found[each.model_version or "none", each.source, each.arm or "none", each.action] += each.events
        return of_this_module(found)

    in_the_end(counted, expected, MEASURED_WITHIN_S)


def test_it_is_in_influxdb(served, expected):
    reader = InfluxDBReader.connect(served.endpoints)
    query = f"""
        from(bucket: "{reader.bucket}") |> range(start: -1h, stop: 2100-01-01T00:00:00Z)
          |> filter(fn: (r) => r._measurement == "recommendations" and r._field == "events")
          |> group(columns: ["model_version", "source", "arm", "action"]) |> sum()"""

    def counted():
        rows = reader.rows(query)
        labels = ("model_version", "source", "arm", "action")
        return of_this_module({tuple(row[name] for name in labels): int(row["_value"]) for row in rows})

    in_the_end(counted, expected, MEASURED_WITHIN_S)


def samples(client, name):
    """Labels of a metric of the instance -> value."""
    labels = r'action="(.*)",arm="(.*)",model_version="(.*)",source="(.*)"'
    found = re.findall(rf"^headrace_serving_{name}{{{labels}}} (.*)$", client.get("/metrics").text, re.MULTILINE)
    return {(version, source, arm, action): float(value) for action, arm, version, source, value in found}


def test_it_is_on_the_metrics_endpoint_with_how_high_up_the_choices_stood(client, expected):
    in_the_end(lambda: of_this_module(samples(client, "feedback_events_total")), expected, MEASURED_WITHIN_S)
    ranks = samples(client, "feedback_reciprocal_ranks_total")
    assert ranks[VERSION, "personal", f"{NAME}/{TREATMENT}", "look"] == pytest.approx(6 / 2)


def test_experiment_status_counts_each_user_once(served, expected):
    ((found,), _) = json.loads(served.headrace("experiment", "status", "--json").stdout).values()
    assert (found["experiment"], found["moved"], found["decided"]) == (NAME, 0, False)
    assert found["arms"] == {
        CONTROL: {"exposed": 12, "users": 12, "successes": 2},
        TREATMENT: {"exposed": 12, "users": 12, "successes": 7},
    }
    printed = [line.split() for line in served.headrace("experiment", "status", NAME).stdout.splitlines()]
    assert ["control", "popular", "40", "%", "12", "12", "2", "16.67", "%"] in printed
    assert ["treatment", "personal", "40", "%", "12", "12", "7", "58.33", "%"] in printed
