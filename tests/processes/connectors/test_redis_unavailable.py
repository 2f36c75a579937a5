"""What a Redis says of itself refuses no row: the row is kept and written when Redis takes writes again."""

import asyncio
import contextlib
import re
import shutil
import threading

import pytest
import redis
import redis.asyncio

from connectors.redis.device_state import DeviceUpdate, RedisWriter
from connectors.redis.reader import BatchedReads
from connectors.redis.recommendation_lists import RedisLists
from connectors.retries import Retries
from connectors.stores import StoreMisconfigured, StoreUnavailable
from headrace.polling import wait_until
from serving.cache import RecommendationCache, shared_fetcher
from tests.processes.connectors.test_redis_lists import listed
from tests.redis_server import redis_server
from tests.unit.connectors.resp_server import answering

T = 1_719_800_000_123
ROW = DeviceUpdate("kiln-4", "pressure", "reading", T, f'"value":7.5,"ts":{T}')
ALERT = DeviceUpdate(
    "kiln-4", "pressure", "score", T, f'"score":0.9,"score_ts":{T},"is_anomaly":true', alert=f'{{"ts":{T}}}'
)
LIST = listed("ann", T)

SHA = "be36ccbd04767711de0dd24d05649e106c4f5eeb"
IN_SCRIPT = f" script: {SHA}, on @user_script:1."
BEFORE_7 = f"Error running script (call to f_{SHA}): @user_script:3: @user_script: 3: "
FROZEN = "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk."
DENIED = "DENIED Redis is running in protected mode because protected mode is enabled and no password is set"

AWAY = [
    FROZEN,
    "MISCONF Errors writing to the AOF file: No space left on device",
    FROZEN + IN_SCRIPT,
    "NOREPLICAS Not enough good replicas to write.",
    "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    "READONLY You can't write against a read only replica.",
    "LOADING Redis is loading the dataset in memory",
    "OOM command not allowed when used memory > 'maxmemory'." + IN_SCRIPT,
    "CLUSTERDOWN The cluster is down",
    "TRYAGAIN Multiple keys request during rehashing of slot",
    "ASK 3999 127.0.0.1:6381",
    "UNKILLABLE Sorry the script already executed write commands against the dataset.",
    "EXECABORT Transaction discarded because of previous errors.",
    "NOSCRIPT No matching script. Please use EVAL.",
    "ERR max number of clients reached",
    f"ERR {BEFORE_7}-{FROZEN}",
    f"ERR {BEFORE_7}-OOM command not allowed when used memory > 'maxmemory'.",
    f"ERR {BEFORE_7}Script killed by user with SCRIPT KILL...",
    "ERR DISABLED You can't write: an operator froze the server",
    "ERR unknown command `EVALSHA`, with args beginning with: `-WRONGTYPE Operation against a key`, ",
    "SOMETHING that a later Redis may say",
]
FOR_A_PERSON = [
    "NOPERM this user has no permissions to run the 'evalsha' command",
    f"ERR The user executing the script can't run this command or subcommand{IN_SCRIPT}",
    f"ERR ACL failure in script: User w has no permissions to run the 'hset' command{IN_SCRIPT}",
    f"ERR {BEFORE_7}-NOPERM The user executing the script can't run this command or subcommand",
    "NOAUTH Authentication required.",
    "WRONGPASS invalid username-password pair or user is disabled.",
    DENIED,
    "MOVED 3999 127.0.0.1:6381",
    "CROSSSLOT Keys in request don't hash to the same slot",
]
WRONG_TYPE = "WRONGTYPE Operation against a key holding the wrong kind of value"


@pytest.fixture
def server(tmp_path):
    """A client of a real Redis, whose folder may be taken away."""
    folder = tmp_path / "redis"
    folder.mkdir()
    with redis_server(folder) as port, redis.Redis(port=port) as administrator:
        administrator.execute_command("ACL", "SETUSER", "administrator", "on", "nopass", "allkeys", "+@all")
        administrator.execute_command("AUTH", "administrator", "")
        yield administrator, port


def writing(port, row=ROW):
    with redis.Redis(port=port) as client:
        return RedisWriter(client, retries=Retries(0)).write([row])


def writing_lists(port):
    with redis.Redis(port=port) as client:
        RedisLists(client, lifetime_s=600, retries=Retries(0)).write([LIST], {"tea": False})


@pytest.mark.parametrize("reply", AWAY)
def test_a_reply_about_the_server_refuses_no_row(reply):
    with answering(f"-{reply}") as port:
        for write in (writing, writing_lists):
            with pytest.raises(StoreUnavailable):
                write(port)


@pytest.mark.parametrize("reply", FOR_A_PERSON)
def test_a_reply_that_a_person_must_see_to_refuses_no_row_and_says_what_to_do(reply):
    with answering(f"-{reply}") as port:
        for write in (writing, writing_lists):
            with pytest.raises(StoreMisconfigured, match=r"HEADRACE_REDIS_|ACL SETUSER"):
                write(port)


@pytest.mark.parametrize("reply", [WRONG_TYPE, WRONG_TYPE + IN_SCRIPT, f"ERR {BEFORE_7}{WRONG_TYPE}"])
def test_a_key_of_another_type_refuses_its_row(reply):
    with answering(f"-{reply}") as port:
        (refusal,) = writing(port)
    assert "WRONGTYPE" in refusal


# ---------------------------------------------------------------- a real Redis that takes no writes for a while


@contextlib.contextmanager
def setting(administrator, name, value):
    before = administrator.config_get(name)[name]
    administrator.config_set(name, value)
    try:
        yield
    finally:
        administrator.config_set(name, before)


@contextlib.contextmanager
def replica(administrator, serves_stale_data):
    with setting(administrator, "replica-serve-stale-data", serves_stale_data):
        administrator.execute_command("REPLICAOF", "127.0.0.1", "1")
        try:
            yield
        finally:
            administrator.execute_command("REPLICAOF", "NO", "ONE")


@contextlib.contextmanager
def busy(administrator, port):
    administrator.config_set("busy-reply-threshold", 1)

    def run():
        with redis.Redis(port=port) as client, contextlib.suppress(redis.exceptions.ResponseError):
            client.eval("while true do end", 0)

    script = threading.Thread(target=run)
    script.start()
    try:
        wait_until("Redis to be busy", lambda: _is_busy(port), 10)
        yield
    finally:
        with redis.Redis(port=port) as client:
            client.script_kill()
        script.join()


def _is_busy(port):
    with redis.Redis(port=port) as client:
        try:
            client.ping()
        except redis.exceptions.ResponseError as error:
            return str(error).startswith("BUSY")
    return False


@contextlib.contextmanager
def unable_to_save(administrator, folder):
    shutil.rmtree(folder)
    administrator.config_set("save", "3600 1")
    administrator.bgsave()
    wait_until("the save to fail", lambda: administrator.info("persistence")["rdb_last_bgsave_status"] == "err", 10)
    try:
        yield
    finally:
        administrator.config_set("save", "")


@contextlib.contextmanager
def denied(administrator, *rules):
    administrator.execute_command("ACL", "SETUSER", "default", *rules)
    try:
        yield
    finally:
        administrator.execute_command("ACL", "SETUSER", "default", "allkeys", "+@all")


STATES = {
    "MISCONF": lambda redis_, port, folder: unable_to_save(redis_, folder),
    "NOREPLICAS": lambda redis_, port, folder: setting(redis_, "min-replicas-to-write", 1),
    "MASTERDOWN": lambda redis_, port, folder: replica(redis_, "no"),
    "READONLY": lambda redis_, port, folder: replica(redis_, "yes"),
    "OOM": lambda redis_, port, folder: setting(redis_, "maxmemory", 1),
    "BUSY": lambda redis_, port, folder: busy(redis_, port),
    "too many clients": lambda redis_, port, folder: setting(redis_, "maxclients", 1),
    "NOPERM of the command": lambda redis_, port, folder: denied(redis_, "-evalsha"),
    "NOPERM of scripts": lambda redis_, port, folder: denied(redis_, "-script"),
    "NOPERM in the script": lambda redis_, port, folder: denied(redis_, "-hset", "-set"),
    "NOPERM of reads in the script": lambda redis_, port, folder: denied(redis_, "-hget", "-getrange"),
    "NOPERM of the keys": lambda redis_, port, folder: denied(redis_, "resetkeys", "~others:*"),
}


@pytest.mark.parametrize("state", STATES)
def test_rows_are_kept_while_redis_takes_no_writes_and_stored_afterwards(server, state, tmp_path):
    administrator, port = server
    with STATES[state](administrator, port, tmp_path / "redis"):
        for write in (writing, writing_lists):
            with pytest.raises((StoreUnavailable, StoreMisconfigured)):
                write(port)
    assert writing(port) == [None]
    writing_lists(port)
    assert administrator.hget("device:kiln-4", "pressure").startswith(b'{"value":7.5')
    assert administrator.get("recommendations:ann") == LIST.body


@pytest.mark.parametrize("command", ["zadd", "zremrangebyrank", "expire"])
def test_a_row_whose_alert_may_not_be_written_is_kept(server, command):
    administrator, port = server
    with denied(administrator, f"-{command}"), pytest.raises(StoreMisconfigured, match="ACL SETUSER"):
        writing(port, ALERT)
    assert writing(port, ALERT) == [None]
    assert administrator.zcard("anomalies:kiln-4") == 1


def test_a_row_whose_alert_meets_a_key_of_another_type_is_refused(server):
    administrator, port = server
    administrator.set("anomalies:kiln-4", "somebody else's")
    (refusal,) = writing(port, ALERT)
    assert "WRONGTYPE" in refusal


def test_a_list_is_not_put_back_while_its_time_may_not_be_read(server):
    administrator, port = server
    newer = listed("ann", T + 5, "pot")
    with redis.Redis(port=port) as client:
        RedisLists(client, lifetime_s=600, retries=Retries(0)).write([newer], {})
    with denied(administrator, "-getrange"), pytest.raises(StoreMisconfigured):
        writing_lists(port)
    assert administrator.get("recommendations:ann") == newer.body


# ---------------------------------------------------------------- the reads of the REST API


@pytest.mark.parametrize("reply", AWAY + FOR_A_PERSON)
def test_for_the_api_a_redis_that_answers_with_an_error_is_unavailable(reply):
    async def read(port):
        client = redis.asyncio.Redis(port=port)
        reads = BatchedReads(client, timeout_ms=5000)
        cache = RecommendationCache(reads, shared_fetcher(client, timeout_ms=5000), stale_after_ms=500, now=lambda: 0.0)
        try:
            with pytest.raises(StoreUnavailable):
                await reads.get("recommendations:ann")
            await cache.refresh()
        finally:
            await client.aclose()
        return cache.unavailable_reason

    with answering(f"-{reply}") as port:
        unavailable_reason = asyncio.run(read(port))
    assert unavailable_reason is not None
    assert unavailable_reason != "not asked yet"


def test_the_longest_reply_is_told_in_one_line():
    with answering("-MISCONF " + "x" * 100_000) as port, pytest.raises(StoreUnavailable) as error:
        writing(port)
    assert re.fullmatch(r".{1,1000}", str(error.value))
