"""Keys of Redis: name, value, lifetime, memory bound, and whether they name people. Keys are made here only."""

from dataclasses import dataclass

from schemas.limits import MAX_ALERTS, MAX_LIST_ITEMS, MAX_METRICS, MAX_RECENT_ALERTS
from schemas.personal import Personal

HOUR_S = 60 * 60
DAY_S = 24 * HOUR_S


@dataclass(frozen=True)
class RedisKey:
    """What every key has, whether there is one of it or one an id."""

    name: str
    """Of a single key the whole, of a pattern what stands before the colon."""
    value: str
    """Its Redis type and its content, for the reference page."""
    lifetime_s: int | None
    """Seconds after its last change; None: it does not expire."""
    bound: str
    """What bounds its memory."""

    @property
    def shown(self) -> str:
        """As the documentation writes it: `device:{device}`."""
        """As documents write it."""
        return self.name

    @property
    def names_people(self) -> Personal:
        """What the key tells of people."""
        """Whether its id is a person's."""
        return Personal.NO


@dataclass(frozen=True)
class KeyPattern(RedisKey):
    """One key an id: `{name}:{id}`.

    >>> RECOMMENDATIONS.key("5f0c"), RECOMMENDATIONS.scan_pattern, RECOMMENDATIONS.shown
    ('recommendations:5f0c', 'recommendations:*', 'recommendations:{pseudonym}')
    """

    lifetime_s: int
    """Seconds after its last change: no key of an id is kept for ever."""
    id_name: str
    personal: Personal = Personal.NO
    outlives_forgetting: bool = False
    """`headrace privacy forget` leaves it: it expires by itself, and protects from a replay until then."""

    def key(self, id_: str) -> str:
        """The key of one id."""
        return f"{self.name}:{id_}"

    @property
    def scan_pattern(self) -> str:
        """For SCAN MATCH: the keys of all ids."""
        return f"{self.name}:*"

    @property
    def shown(self) -> str:
        """As the documentation writes it: `device:{device}`."""
        return f"{self.name}:{{{self.id_name}}}"

    @property
    def names_people(self) -> Personal:
        """What the key tells of people."""
        return self.personal


_LIST_VALUE = (
    'text, JSON `{"items","scores","why","reasons","model_version","generated_at"}` '
    '([recommend.md](../how-to/recommend.md), "Live")'
)
_LIST_BOUND = f"{MAX_LIST_ITEMS} items, 3 kB"
LIST_LIFETIME_S = 7 * DAY_S
"""The default of HEADRACE_JOB_RECOMMEND_LIFETIME_S."""

DEVICE = KeyPattern(
    "device",
    'hash: metric -> `{"value":21.4,"ts":1719800000123,"score":0.0,"score_ts":1719800000123,"is_anomaly":false}`; '
    "`threshold_raise` is behind them while dismissed alerts raise the threshold",
    30 * DAY_S,
    f"{MAX_METRICS:,} metrics a device, about 200 kB; one more is `refused_by_redis`",
    id_name="device",
)
ANOMALIES = KeyPattern(
    "anomalies",
    'sorted set by event time, one member an episode: `{"device","metric","ts","value","score","detector"}`, '
    "and where known `expected_low`, `expected_high`, `kind`, `explanation`, `group`, `over_budget`; value and score "
    "of a missing one are null",
    30 * DAY_S,
    f"the {MAX_ALERTS} newest by event time",
    id_name="device",
)
VERDICTS = KeyPattern(
    "verdicts",
    'hash: event time and metric of an alert, with a blank between -> `{"at","verdict","note"}`',
    30 * DAY_S,
    f"{MAX_ALERTS} alerts a device; the oldest makes room",
    id_name="device",
)
CHURN = KeyPattern(
    "churn",
    'text, JSON `{"risk","at_risk","reasons","model","ts"}`: the probability of leaving, up to three reasons in words, '
    "the model's version, and when the row changed, or the hour that its usage is of if that is newer. Deleted with "
    "the customer",
    365 * DAY_S,
    "one key a customer, about 400 bytes",
    id_name="customer",
    personal=Personal.NAMED,
)
CHURN_DELETED = KeyPattern(
    "churn-deleted",
    "text: when the customer was deleted, so that a replay does not restore the risk",
    HOUR_S,
    "one key a deleted customer, 13 bytes",
    id_name="customer",
    personal=Personal.NAMED,
    outlives_forgetting=True,
)
RECOMMENDATIONS = KeyPattern(
    "recommendations",
    f"{_LIST_VALUE}. Readers leave out what is in `items:withdrawn`",
    LIST_LIFETIME_S,
    _LIST_BOUND,
    id_name="pseudonym",
    personal=Personal.PSEUDONYM,
)
SIMILAR = KeyPattern(
    "similar",
    'text, JSON `{"items","scores","generated_at"}`: what goes with an item',
    LIST_LIFETIME_S,
    f"{_LIST_BOUND}; one key an item that the job knows (5,000)",
    id_name="item",
)
POPULAR_ITEMS = RedisKey("popular:items", f"{_LIST_VALUE}, the same for everybody", LIST_LIFETIME_S, _LIST_BOUND)
TRENDING_ITEMS = RedisKey("trending:items", f"{_LIST_VALUE}, the same for everybody", LIST_LIFETIME_S, _LIST_BOUND)
RECENT_ALERTS = RedisKey(
    "alerts:recent",
    "sorted set by event time: the members of `anomalies:{device}` of all devices",
    30 * DAY_S,
    f"the {MAX_RECENT_ALERTS:,} newest by event time, about 4 MB",
)
WITHDRAWN_ITEMS = RedisKey(
    "items:withdrawn",
    "set of items that may not be shown",
    None,
    "the items that the topic `items` says are not available",
)

PATTERNS = (DEVICE, ANOMALIES, VERDICTS, CHURN, CHURN_DELETED, RECOMMENDATIONS, SIMILAR)
"""One key an id."""

KEYS: tuple[RedisKey, ...] = (*PATTERNS, RECENT_ALERTS, POPULAR_ITEMS, TRENDING_ITEMS, WITHDRAWN_ITEMS)

PERSONAL_PATTERNS = tuple(pattern for pattern in PATTERNS if pattern.personal is not Personal.NO)
"""Those whose id is a person's."""


def keys_to_forget(user: str, pseudonym: str) -> tuple[str, ...]:
    """The keys to delete when a user is forgotten.

    What is kept by pseudonym is also looked for under the id: an application that writes Redis itself may not know.

    >>> keys_to_forget("u-17", "5f0c")
    ('churn:u-17', 'recommendations:5f0c', 'recommendations:u-17')
    """
    return tuple(
        pattern.key(id_)
        for pattern in PERSONAL_PATTERNS
        if not pattern.outlives_forgetting
        for id_ in ((pseudonym, user) if pattern.personal is Personal.PSEUDONYM else (user,))
    )
