"""Redis: the state of each device, moved only forward by its own time, and its latest alerts.

The keys DEVICE, ANOMALIES, RECENT_ALERTS, VERDICTS, CHURN and CHURN_DELETED of schemas/redis_keys.py. The fields of a
reading and of its score arrive through different jobs; each moves only forward by its own time, so a replay or a late
reading never turns the clock back, and neither does a verdict. A customer's risk moves only forward too; the key of a
deleted customer is deleted, and CHURN_DELETED keeps the time, so that a replay does not restore it.
"""

from collections.abc import Sequence
from typing import NamedTuple

import redis

from connectors.endpoints import Endpoints
from connectors.redis.clients import MAX_REPLY_LENGTH, answers_of, client_of
from connectors.retries import DEFAULT_RETRIES, Retries
from schemas.limits import MAX_ALERTS, MAX_METRICS, MAX_RECENT_ALERTS
from schemas.redis_keys import ANOMALIES, CHURN, CHURN_DELETED, DEVICE, RECENT_ALERTS, VERDICTS

# Times are compared as text of equal length: 13 digits from 2001 to 2286, and the cleaning bounds them.
# cjson is not used: it writes numbers with 14 digits, and a value must come back as it went in.
_MOVE_FORWARD = """
if ARGV[2] == 'alert' then return 'alert' end
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


# Of equal times the later call wins.
_MOVE_VERDICT = """
local known = redis.call('HGET', KEYS[1], ARGV[1])
if known and tonumber(string.match(known, '^{"at":(%d+)') or 0) > tonumber(ARGV[2]) then return 'old' end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[5])
if redis.call('HLEN', KEYS[1]) > tonumber(ARGV[4]) then
  local oldest
  for _, alert in ipairs(redis.call('HKEYS', KEYS[1])) do
    local time = tonumber(string.match(alert, '^-?%d+'))
    if time and (not oldest or time < oldest[1]) then oldest = {time, alert} end
  end
  if oldest then redis.call('HDEL', KEYS[1], oldest[2]) end
end
return 'moved'
"""


class VerdictUpdate(NamedTuple):
    """What was said of one alert at one time; `body` is its JSON and begins with the time."""

    device: str
    metric: str
    episode: int
    time_ms: int
    body: str

    @property
    def slot(self) -> tuple[str, ...]:
        """What it overwrites."""
        return (self.device, self.field, "verdict")

    @property
    def field(self) -> str:
        """Of the device's hash."""
        return verdict_field(self.metric, self.episode)

    @property
    def alert(self) -> None:
        """It raises none."""


def verdict_field(metric: str, episode: int) -> str:
    """Name of an alert among those of its device.

    >>> verdict_field("oil flow", 1719800000123)
    '1719800000123 oil flow'
    """
    return f"{episode} {metric}"


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
    """One half of one metric of one device at one time; or an alert alone, whose half is `alert` and has no body.

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


Update = DeviceUpdate | VerdictUpdate | ChurnUpdate


class RedisWriter:
    """Writes device updates in one round trip a batch. Raises StoreUnavailable when `retries` give up."""

    def __init__(
        self, client: "redis.Redis", retries: Retries = DEFAULT_RETRIES,
        max_metrics: int = MAX_METRICS, max_alerts: int = MAX_ALERTS, max_recent_alerts: int = MAX_RECENT_ALERTS,
    ) -> None:  # fmt: skip
        self._client = client
        self._max_metrics = max_metrics
        self._max_alerts = max_alerts
        self._max_recent_alerts = max_recent_alerts
        self._script = client.register_script(_MOVE_FORWARD)
        self._verdict_script = client.register_script(_MOVE_VERDICT)
        self._churn_script = client.register_script(_MOVE_CHURN)
        self._retries = retries

    @classmethod
    def connect(cls, endpoints: Endpoints) -> "RedisWriter":
        """A writer for the Redis of `endpoints`. Opens no connection yet."""
        return cls(client_of(endpoints))

    def write(self, updates: Sequence[Update]) -> list[str | None]:
        """For each update None, or why Redis does not hold it."""
        newest = _newest(updates)
        found = self._retries.call(lambda: self._send([updates[i] for i in newest]))
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
                self._add_alert(pipeline, update)
                alerts.append(place)
        answers = answers_of(pipeline)
        refusals = [self._refusal(answer) for answer in answers[: len(updates)]]
        for number, place in enumerate(alerts):
            of_alert = answers[len(updates) + number * ALERT_COMMANDS :][:ALERT_COMMANDS]
            refusals[place] = next(filter(None, [refusals[place], *map(self._refusal, of_alert)]), None)
        return refusals

    def _move(self, pipeline: "redis.client.Pipeline", update: Update) -> None:
        if isinstance(update, ChurnUpdate):
            keys = [CHURN.key(update.customer), CHURN_DELETED.key(update.customer)]
            churn = (update.time_ms, update.body or "", CHURN.lifetime_s, CHURN_DELETED.lifetime_s)
            self._churn_script(keys=keys, args=churn, client=pipeline)
            return
        if isinstance(update, VerdictUpdate):
            verdict = (update.field, update.time_ms, update.body, self._max_alerts, VERDICTS.lifetime_s)
            self._verdict_script(keys=[VERDICTS.key(update.device)], args=verdict, client=pipeline)
            return
        device = (update.metric, update.half, update.time_ms, update.body, self._max_metrics, DEVICE.lifetime_s)
        self._script(keys=[DEVICE.key(update.device)], args=device, client=pipeline)

    def _add_alert(self, pipeline: "redis.client.Pipeline", update: DeviceUpdate) -> None:
        of_device = (ANOMALIES.key(update.device), self._max_alerts, ANOMALIES.lifetime_s)
        of_all = (RECENT_ALERTS.name, self._max_recent_alerts, RECENT_ALERTS.lifetime_s or ANOMALIES.lifetime_s)
        for key, most, lifetime_s in (of_device, of_all):
            pipeline.zadd(key, {str(update.alert): update.time_ms})
            pipeline.zremrangebyrank(key, 0, -most - 1)
            pipeline.expire(key, lifetime_s)

    def _refusal(self, answer: object) -> str | None:
        if answer == b"full":
            return f"the device has over {self._max_metrics} metrics"
        return str(answer)[:MAX_REPLY_LENGTH] if isinstance(answer, Exception) else None


def _newest(updates: Sequence[Update]) -> list[int]:
    """Indices of the updates to send: of several for one half only the newest counts, alerts are all kept."""
    last: dict[tuple[str, ...], int] = {}
    for index, update in enumerate(updates):
        slot = update.slot
        if slot not in last or update.time_ms >= updates[last[slot]].time_ms:
            last[slot] = index
    alerts = {index for index, update in enumerate(updates) if update.alert is not None}
    return sorted(alerts.union(last.values()))


ALERT_COMMANDS = 6
"""Of `RedisWriter._add_alert`."""
