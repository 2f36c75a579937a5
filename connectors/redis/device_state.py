"""Redis: the state of each device, moved only forward by its own time, and its latest alerts.

Key `device:{device}`, a hash: metric -> {"value","ts","score","score_ts","is_anomaly"}. The half of
the reading and the half of the score arrive by different roads; each moves only forward by its own
time, so a replay or a late reading never turns the clock back. `anomalies:{device}`, a sorted set by
event time: one member per episode, the oldest beyond the cap leave.

Key `churn:{customer}`, a text: {"risk","at_risk","reasons","model","ts"}, moved only forward by `ts`. A deleted
customer's key goes; for an hour `churn-deleted:{customer}` keeps the time, so that a replay does not bring it back.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

import redis

from connectors.endpoints import Endpoints
from connectors.stores import StoreError, StoreMisconfigured, StoreUnavailable, until_it_answers

LIFETIME_S = 30 * 24 * 60 * 60
"""A device that is silent for so long leaves Redis (InfluxDB keeps its history)."""

MAX_METRICS = 1000
"""Fields of one device's hash: bounds the memory that one device can take to about 200 kB."""

MAX_ALERTS = 200
"""Members of one device's anomalies: the newest by event time stay."""

# Times are compared as text of equal length: 13 digits from 2001 to 2286, and the cleaning bounds them.
# cjson is not used: it writes numbers with 14 digits, and a value must come back as it went in.
_MOVE_FORWARD = """
local current = redis.call('HGET', KEYS[1], ARGV[1])
local reading, reading_ts = '"value":null,"ts":null', ''
local score, score_ts = '"score":null,"score_ts":null,"is_anomaly":null', ''
if current then
  local split = string.find(current, ',"score":', 1, true)
  reading, score = string.sub(current, 2, split - 1), string.sub(current, split + 1, -2)
  reading_ts = string.match(reading, '"ts":(%d+)') or ''
  score_ts = string.match(score, '"score_ts":(%d+)') or ''
elseif redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[5]) then
  return 'full'
end
if ARGV[2] == 'reading' then
  if ARGV[3] < reading_ts then return 'old' end
  reading = ARGV[4]
else
  if ARGV[3] < score_ts then return 'old' end
  score = ARGV[4]
end
redis.call('HSET', KEYS[1], ARGV[1], '{' .. reading .. ',' .. score .. '}')
redis.call('EXPIRE', KEYS[1], ARGV[6])
return 'moved'
"""


# Of equal times the later call wins: two changes of one millisecond come in their order.
_MOVE_CHURN = """
local known = redis.call('GET', KEYS[2])
local current = redis.call('GET', KEYS[1])
if current then known = string.match(current, '"ts":(%d+)}$') end
if known and tonumber(ARGV[1]) < tonumber(known) then return 'old' end
if ARGV[2] == '' then
  redis.call('DEL', KEYS[1])
  redis.call('SET', KEYS[2], ARGV[1], 'EX', ARGV[4])
else
  redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
end
return 'moved'
"""

CHURN_LIFETIME_S = 365 * 24 * 60 * 60
"""A customer whose row has not changed for so long leaves Redis, and comes back with the next change."""

DELETED_LIFETIME_S = 60 * 60

# Replies that are about a row: the closed list. What is not in it is the state of the server, and no fault of a row.
# Redis before 7 wraps the error of a command in that of its script.
_OF_THE_ROW = re.compile(
    r"(Error running script \(call to \w+\): @user_script:\s*\d+: (@user_script:\s*\d+: )?-?)?WRONGTYPE "
)
_OF_PERMISSIONS = re.compile(
    r"NOPERM |The user executing the script can't|ACL failure in script|Error running script .*?: -?NOPERM "
)
_OF_A_CLUSTER = re.compile(r"(MOVED|CROSSSLOT) ")
LONGEST_REPLY = 500
"""Characters of a reply that a message quotes."""


class ChurnUpdate(NamedTuple):
    """The risk of one customer at one time; `body` is its JSON and ends in the time, None for a deleted customer."""

    customer: str
    time_ms: int
    body: str | None

    @property
    def slot(self) -> tuple[str, ...]:
        """What it overwrites."""
        return (self.customer,)

    @property
    def alert(self) -> None:
        """It raises none."""


class DeviceUpdate(NamedTuple):
    """One half of one metric of one device at one time.

    `body` is the half as it stands in the JSON: `"value":21.4,"ts":1719800000123` or
    `"score":0.9,"score_ts":1719800000123,"is_anomaly":true`. `alert` is the JSON of a new episode.
    """

    device: str
    metric: str
    half: str
    time_ms: int
    body: str
    alert: str | None = None

    @property
    def slot(self) -> tuple[str, ...]:
        """What it overwrites."""
        return (self.device, self.metric, self.half)


Update = DeviceUpdate | ChurnUpdate


class RedisWriter:
    """Writes device updates in one round trip a batch. Raises StoreUnavailable after `patience_s` without Redis."""

    def __init__(self, client: "redis.Redis", patience_s: float = 60.0) -> None:
        self._client = client
        self._script = client.register_script(_MOVE_FORWARD)
        self._churn_script = client.register_script(_MOVE_CHURN)
        self._patience_s = patience_s

    @classmethod
    def connect(cls, endpoints: Endpoints) -> "RedisWriter":
        """A writer for the Redis of `endpoints`. Opens no connection yet."""
        return cls(client_of(endpoints))

    def write(self, updates: Sequence[Update]) -> list[str | None]:
        """For each update None, or why Redis does not hold it."""
        newest = _newest(updates)
        found = until_it_answers(lambda: self._send([updates[i] for i in newest]), self._patience_s)
        refusals: list[str | None] = [None] * len(updates)
        for index, refusal in zip(newest, found, strict=True):
            refusals[index] = refusal
        return refusals

    def _send(self, updates: Sequence[Update]) -> list[str | None]:
        """For each update None, or why Redis does not hold it or its alert."""
        pipeline = self._client.pipeline(transaction=False)
        for update in updates:
            self._move(pipeline, update)
        alerts = []
        for place, update in enumerate(updates):
            if update.alert is not None:
                _add_alert(pipeline, update)
                alerts.append(place)
        answers = answers_of(pipeline)
        refusals = [_refusal(answer) for answer in answers[: len(updates)]]
        for number, place in enumerate(alerts):
            of_alert = answers[len(updates) + number * ALERT_COMMANDS :][:ALERT_COMMANDS]
            refusals[place] = next(filter(None, [refusals[place], *map(_refusal, of_alert)]), None)
        return refusals

    def _move(self, pipeline: "redis.client.Pipeline", update: Update) -> None:
        if isinstance(update, ChurnUpdate):
            keys = [f"churn:{update.customer}", f"churn-deleted:{update.customer}"]
            churn = (update.time_ms, update.body or "", CHURN_LIFETIME_S, DELETED_LIFETIME_S)
            self._churn_script(keys=keys, args=churn, client=pipeline)
            return
        device = (update.metric, update.half, update.time_ms, update.body, MAX_METRICS, LIFETIME_S)
        self._script(keys=[f"device:{update.device}"], args=device, client=pipeline)


def client_of(endpoints: Endpoints) -> "redis.Redis":
    """Opens no connection yet."""
    password = endpoints.redis_password.get_secret_value() if endpoints.redis_password else None
    return redis.Redis(
        host=endpoints.redis_host, port=endpoints.redis_port, password=password,
        socket_timeout=20, socket_connect_timeout=5, health_check_interval=30,
    )  # fmt: skip


def answers_of(pipeline: "redis.client.Pipeline") -> list[object]:
    """Sends the commands of a pipeline. The error that Redis gives for a row is the answer of its command.

    Raises StoreUnavailable and StoreMisconfigured for every other error: the rows can be sent again.
    """
    try:
        answers: list[object] = pipeline.execute(raise_on_error=False)
    except redis.exceptions.DataError:
        raise  # of redis-py and not of Redis: a value that cannot be sent is a fault of ours
    except redis.exceptions.RedisError as error:
        raise _store_error(error) from error
    for answer in answers:
        if isinstance(answer, Exception) and not _is_of_the_row(answer):
            raise _store_error(answer) from answer
    return answers


def _is_of_the_row(error: Exception) -> bool:
    return _OF_THE_ROW.match(str(error)) is not None


def _store_error(error: Exception) -> StoreError:
    """What an error says about the server. One that is not known is a reason to wait: waiting loses nothing."""
    reply = str(error)[:LONGEST_REPLY]
    if isinstance(error, redis.exceptions.AuthenticationError | redis.exceptions.AuthenticationWrongNumberOfArgsError):
        return StoreMisconfigured(f"Redis refuses our password ({reply}): check HEADRACE_REDIS_PASSWORD")
    if isinstance(error, redis.exceptions.NoPermissionError) or _OF_PERMISSIONS.match(reply):
        return StoreMisconfigured(
            f"Redis denies permission ({reply}). Give the user that HEADRACE_REDIS_PASSWORD belongs to all keys, "
            "scripts and writes: ACL SETUSER"
        )
    if reply.startswith("DENIED "):
        return StoreMisconfigured(
            f"Redis accepts no remote clients without a password: set one there, and HEADRACE_REDIS_PASSWORD ({reply})"
        )
    if _OF_A_CLUSTER.match(reply):
        return StoreMisconfigured(
            f"Redis runs as a cluster ({reply}), which is not supported: let HEADRACE_REDIS_HOST name a single server"
        )
    if isinstance(error, redis.exceptions.ConnectionError | redis.exceptions.TimeoutError):
        return StoreUnavailable(f"Redis does not answer ({reply})")
    return StoreUnavailable(f"Redis takes no writes ({reply})")


def _newest(updates: Sequence[Update]) -> list[int]:
    """Indices of the updates to send: of several for one half only the newest counts, alerts are all kept."""
    last: dict[tuple[str, ...], int] = {}
    for index, update in enumerate(updates):
        slot = update.slot
        if slot not in last or update.time_ms >= updates[last[slot]].time_ms:
            last[slot] = index
    alerts = {index for index, update in enumerate(updates) if update.alert is not None}
    return sorted(alerts.union(last.values()))


ALERT_COMMANDS = 3
"""Of `_add_alert`."""


def _add_alert(pipeline: "redis.client.Pipeline", update: DeviceUpdate) -> None:
    key = f"anomalies:{update.device}"
    pipeline.zadd(key, {str(update.alert): update.time_ms})
    pipeline.zremrangebyrank(key, 0, -MAX_ALERTS - 1)
    pipeline.expire(key, LIFETIME_S)


def _refusal(answer: object) -> str | None:
    if answer == b"full":
        return f"the device has over {MAX_METRICS} metrics"
    return str(answer)[:LONGEST_REPLY] if isinstance(answer, Exception) else None
