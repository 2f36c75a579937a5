"""Redis: the state of each device, moved only forward by its own time, and its latest alerts.

Key `device:{device}`, a hash: metric -> {"value","ts","score","score_ts","is_anomaly"}. The half of
the reading and the half of the score arrive by different roads; each moves only forward by its own
time, so a replay or a late reading never turns the clock back. `anomalies:{device}`, a sorted set by
event time: one member per episode, the oldest beyond the cap leave.

Key `churn:{customer}`, a text: {"risk","at_risk","reasons","model","ts"}, moved only forward by `ts`. A deleted
customer's key goes; for an hour `churn-deleted:{customer}` keeps the time, so that a replay does not bring it back.
"""

from collections.abc import Sequence
from typing import NamedTuple

import redis

from connectors.endpoints import Endpoints
from connectors.stores import StoreAway, StoreMisconfigured, until_it_answers

LIFETIME_S = 30 * 24 * 60 * 60
"""A device that is silent for so long leaves Redis (InfluxDB keeps its history)."""

MOST_METRICS = 1000
"""Fields of one device's hash: bounds the memory that one device can take to about 200 kB."""

MOST_ALERTS = 200
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
    """Writes device updates in one round trip a batch. Raises StoreAway after `patience_s` without Redis."""

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
        answers = until_it_answers(lambda: self._send([updates[i] for i in newest]), self._patience_s)
        refusals: list[str | None] = [None] * len(updates)
        for index, answer in zip(newest, answers, strict=True):
            refusals[index] = _refusal(answer)
        return refusals

    def _send(self, updates: Sequence[Update]) -> list[object]:
        """The script's answer for each update; a Redis error of one command is that command's answer."""
        pipeline = self._client.pipeline(transaction=False)
        for update in updates:
            self._move(pipeline, update)
        for update in updates:
            if update.alert is not None:
                _add_alert(pipeline, update)
        return answers_of(pipeline)[: len(updates)]

    def _move(self, pipeline: "redis.client.Pipeline", update: Update) -> None:
        if isinstance(update, ChurnUpdate):
            keys = [f"churn:{update.customer}", f"churn-deleted:{update.customer}"]
            churn = (update.time_ms, update.body or "", CHURN_LIFETIME_S, DELETED_LIFETIME_S)
            self._churn_script(keys=keys, args=churn, client=pipeline)
            return
        device = (update.metric, update.half, update.time_ms, update.body, MOST_METRICS, LIFETIME_S)
        self._script(keys=[f"device:{update.device}"], args=device, client=pipeline)


def client_of(endpoints: Endpoints) -> "redis.Redis":
    """Opens no connection yet."""
    password = endpoints.redis_password.get_secret_value() if endpoints.redis_password else None
    return redis.Redis(
        host=endpoints.redis_host, port=endpoints.redis_port, password=password,
        socket_timeout=20, socket_connect_timeout=5, health_check_interval=30,
    )  # fmt: skip


def answers_of(pipeline: "redis.client.Pipeline") -> list[object]:
    """Sends the commands of a pipeline; a Redis error of one command is that command's answer.

    Raises StoreAway and StoreMisconfigured.
    """
    try:
        answers: list[object] = pipeline.execute(raise_on_error=False)
    except (redis.exceptions.AuthenticationError, redis.exceptions.AuthenticationWrongNumberOfArgsError) as error:
        raise StoreMisconfigured(f"Redis refuses our password ({error}): check HEADRACE_REDIS_PASSWORD") from error
    except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError) as error:
        raise StoreAway(f"Redis does not answer ({error})") from error
    _raise_if_it_takes_nothing(answers)
    return answers


def _newest(updates: Sequence[Update]) -> list[int]:
    """Indices of the updates to send: of several for one half only the newest counts, alerts are all kept."""
    last: dict[tuple[str, ...], int] = {}
    for index, update in enumerate(updates):
        slot = update.slot
        if slot not in last or update.time_ms >= updates[last[slot]].time_ms:
            last[slot] = index
    alerts = {index for index, update in enumerate(updates) if update.alert is not None}
    return sorted(alerts.union(last.values()))


def _add_alert(pipeline: "redis.client.Pipeline", update: DeviceUpdate) -> None:
    key = f"anomalies:{update.device}"
    pipeline.zadd(key, {str(update.alert): update.time_ms})
    pipeline.zremrangebyrank(key, 0, -MOST_ALERTS - 1)
    pipeline.expire(key, LIFETIME_S)


def _raise_if_it_takes_nothing(answers: Sequence[object]) -> None:
    """Full memory and a loading or read-only server are states of the server, not faults of a row."""
    for answer in answers:
        if isinstance(
            answer,
            redis.exceptions.OutOfMemoryError | redis.exceptions.BusyLoadingError | redis.exceptions.ReadOnlyError,
        ):
            raise StoreAway(f"Redis takes no writes ({answer})")


def _refusal(answer: object) -> str | None:
    if answer == b"full":
        return f"the device has over {MOST_METRICS} metrics"
    return str(answer) if isinstance(answer, Exception) else None
