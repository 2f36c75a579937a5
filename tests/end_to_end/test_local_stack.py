"""The local stack on the real servers: started, broken, mended, ended."""

import json
import os
import signal
import socket
import subprocess
import sys

import httpx
import pytest
from kafka import KafkaAdminClient
from redis import Redis
from redis.exceptions import AuthenticationError

from headrace import submission
from schemas.topics import TOPICS
from stack import orphans
from stack.servers import SERVERS
from stack.supervision import Supervision
from tests.end_to_end.waiting import eventually, in_the_end


def processes(stack):
    return json.loads(stack.headrace("status", "--json", check=False).stdout)["processes"]


def pid_of(stack, name):
    """Not by `status`, which asks every server for its figures."""
    return Supervision(stack.layout).process(name)["pid"]


def supervisord(stack):
    return next(each for each in orphans.find(stack.home) if each.environ().get(orphans.MARK) == "supervisord")


def test_up_leaves_every_server_running(stack):
    wanted = dict.fromkeys((server.name for server in SERVERS if not server.optional), "RUNNING")
    # supervisord says STARTING of a server in its first 3 s (startsecs). Bridge and corrector are ready before that.
    in_the_end(lambda: {each["name"]: each["state"] for each in processes(stack)}, wanted, within_s=10)


def test_endpoints_lead_to_the_servers(stack):
    found = json.loads(stack.headrace("endpoints", "--json").stdout)
    influxdb = found["influxdb"]
    headers = {"Authorization": f"Token {influxdb['token']}"}
    buckets = httpx.get(
        f"{influxdb['url']}/api/v2/buckets", params={"name": influxdb["bucket"]}, headers=headers
    ).json()
    assert [rule["everySeconds"] for rule in buckets["buckets"][0]["retentionRules"]] == [0]  # kept for ever
    assert httpx.get(f"{found['flink']}/overview").json()["slots-available"] >= 8
    with Redis.from_url(found["redis"]) as redis:
        assert redis.ping()
    socket.create_connection((found["mqtt"]["host"], found["mqtt"]["port"]), timeout=2).close()


def test_up_makes_the_topics_as_the_schemas_say(stack):
    admin = KafkaAdminClient(bootstrap_servers=stack.endpoints.kafka)
    try:
        described = admin.describe_topics([topic.name for topic in TOPICS])
    finally:
        admin.close()
    assert {each["name"]: len(each["partitions"]) for each in described} == {t.name: t.partitions for t in TOPICS}


def test_a_job_on_a_cluster_that_is_not_of_this_stack_takes_checkpoints(stack):
    """Another name of ours makes it one. A job without checkpoints commits nothing."""
    foreign = stack.endpoints.flink.replace("127.0.0.1", "localhost")
    stack.headrace("submit", "window_usage", "--target", foreign)
    job = submission.running_jobs(foreign)["window_usage"]
    flink = httpx.Client(base_url=f"http://{foreign}")
    assert flink.get(f"/jobs/{job}/checkpoints/config").json()["interval"] == 5000
    eventually(lambda: flink.get(f"/jobs/{job}/checkpoints").json()["counts"]["completed"])
    flink.patch(f"/jobs/{job}").raise_for_status()
    eventually(lambda: flink.get(f"/jobs/{job}").json()["state"] == "CANCELED")
    flink.close()


def test_redis_refuses_whoever_has_no_password(stack):
    with Redis(stack.endpoints.redis_host, stack.endpoints.redis_port) as redis, pytest.raises(AuthenticationError):
        redis.ping()


def test_no_secret_is_in_a_command_line_or_an_environment(stack):
    texts = (path.read_text() for path in (stack.home / "secrets").rglob("*") if path.is_file())
    secrets = [text.split()[-1] for text in texts if text]  # of the key for pseudonyms its only node
    assert len(secrets) == 4
    for process in orphans.find(stack.home):
        shown = " ".join([*process.cmdline(), *process.environ().values()])
        assert not [secret for secret in secrets if secret in shown], process.name()


def test_the_stack_is_healthy_and_small(stack):
    found = processes(stack)
    assert sum(each["memory_bytes"] for each in found) < 3 * 2**30


def test_a_second_up_changes_nothing(stack):
    before = {each["name"]: each["pid"] for each in processes(stack)}
    stack.headrace("up")
    assert {each["name"]: each["pid"] for each in processes(stack)} == before


def kill_and_wait_until_it_is_back(stack, name):
    killed = pid_of(stack, name)
    os.kill(killed, signal.SIGKILL)
    eventually(lambda: pid_of(stack, name) not in (0, killed))


@pytest.mark.parametrize("name", ["redis", "mosquitto", "bridge", "taskmanager"])
def test_a_killed_server_comes_back_by_itself(stack, name):
    killed = pid_of(stack, name)
    kill_and_wait_until_it_is_back(stack, name)
    stack.headrace("up")  # waits for its readiness check
    assert pid_of(stack, name) not in (0, killed)


def test_a_restart_is_reported_as_an_alarm(stack):
    kill_and_wait_until_it_is_back(stack, "redis")
    stack.headrace("up")
    shown = stack.headrace("status", check=False)
    assert shown.returncode == 1
    assert "ALARM redis was restarted" in shown.stdout


def test_a_server_that_was_stopped_by_hand_is_started_by_up(stack):
    Supervision(stack.layout).stop(["redis"])
    stack.headrace("up")
    assert pid_of(stack, "redis")


def is_written(redis):
    persistence = redis.info("persistence")
    return persistence["aof_buffer_length"] == persistence["aof_pending_bio_fsync"] == 0


# From here on each begins with what the one before it has left: whole or down. A start of the whole stack takes long.


def test_up_mends_a_stack_whose_supervisord_was_killed(stack):
    with Redis.from_url(stack.endpoints.redis_url) as redis:
        redis.set("kept", "yes")
        eventually(lambda: is_written(redis), within_s=10)
    left = [each.pid for each in orphans.find(stack.home)]
    supervisord(stack).kill()
    assert "killed stack left behind" in stack.headrace("up").stdout
    assert not {each.pid for each in orphans.find(stack.home)} & set(left)
    with Redis.from_url(stack.endpoints.redis_url) as redis:
        assert redis.get("kept") == b"yes"


def test_down_ends_what_a_killed_supervisord_left(stack):
    supervisord(stack).kill()
    stack.headrace("down")
    assert orphans.find(stack.home) == []


def test_a_busy_port_is_named_and_up_works_once_it_is_free(stack):
    stack.headrace("down")
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", stack.endpoints.mqtt_port))
        taken.listen()
        refused = stack.headrace("up", check=False)
    assert refused.returncode == 1
    assert f"Port {stack.endpoints.mqtt_port} of mosquitto is taken" in refused.stderr
    assert "--port-offset" in refused.stderr
    stack.headrace("up")
    assert {each["state"] for each in processes(stack)} == {"RUNNING"}


def test_down_leaves_no_process_and_no_open_port(stack):
    stack.headrace("down")
    assert orphans.find(stack.home) == []
    assert stack.headrace("down").returncode == 0
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((stack.endpoints.redis_host, stack.endpoints.redis_port), timeout=1)


def test_up_goes_on_where_a_killed_up_stopped(stack):
    stack.headrace("down")
    code = "from headrace.cli.main import app; app(['up'])"
    with subprocess.Popen([sys.executable, "-c", code], env=stack.environment, stdout=subprocess.DEVNULL) as first:
        eventually(lambda: orphans.find(stack.home), within_s=30)
        first.kill()
    stack.headrace("up")
    assert {each["state"] for each in processes(stack)} == {"RUNNING"}
