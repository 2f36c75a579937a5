"""Alerts in Redis with the verdicts on them, for the command line and the API."""

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
import redis.asyncio
from pydantic import BaseModel, Field, ValidationError

from connectors.redis.clients import translated
from connectors.redis.device_state import verdict_field
from schemas.alert_verdict import Ruling
from schemas.redis_keys import ANOMALIES, DEVICE, RECENT_ALERTS, VERDICTS


class StoredAlert(BaseModel):
    """One alert. Device, metric and episode name it."""

    device: str
    metric: str
    episode: int = Field(validation_alias="ts", description="event time of the alert, ms since the epoch")
    value: float | None = Field(description="null for a missing series")
    score: float | None = Field(None, description="surprise in decades: 3 is one reading in a thousand")
    kind: str | None = Field(None, description="such as spike or level; null where unknown")
    explanation: str | None = Field(None, description="what was expected, and what came")
    group: int | None = Field(None, description="episode of the device's first alert that this one belongs to")
    over_budget: bool = Field(False, description="whether the device has had its groups of alerts for the time")
    verdict: Ruling | None = Field(None, description="of the operator; null while there is none")
    note: str | None = None
    threshold_raise: float = Field(1.0, description="factor by which verdicts have raised the series' threshold by now")


async def stored_alerts(
    client: "redis.asyncio.Redis", device: str | None = None, since_ms: int | None = None, limit: int = 1000
) -> list[StoredAlert]:
    """The newest alerts of a device, or of all, the newest first. What is no alert of ours is left out.

    Parameters
    ----------
    since_ms
        Event time of the oldest.

    Raises
    ------
    StoreUnavailable
    StoreMisconfigured
    """
    key = RECENT_ALERTS.name if device is None else ANOMALIES.key(device)
    since: Any = "-inf" if since_ms is None else since_ms
    with translated():
        members = await client.zrange(key, "+inf", since, byscore=True, desc=True, offset=0, num=limit)  # type: ignore[arg-type]
    return await _with_verdicts(client, _alerts(members))


async def stored_alert(client: "redis.asyncio.Redis", device: str, metric: str, episode: int) -> StoredAlert | None:
    """The alert of that name, None where Redis has none. Raises as `stored_alerts`."""
    with translated():
        members = await client.zrange(ANOMALIES.key(device), episode, episode, byscore=True)  # type: ignore[arg-type]
    found = [alert for alert in _alerts(members) if (alert.metric, alert.episode) == (metric, episode)]
    return (await _with_verdicts(client, found[:1]))[0] if found else None


def _alerts(members: Iterable[bytes]) -> list[StoredAlert]:
    read = map(_alert_or_none, members)
    return [alert for alert in read if alert is not None]


def _alert_or_none(member: bytes) -> StoredAlert | None:
    try:
        return StoredAlert.model_validate_json(member)
    except ValidationError:
        return None


async def _with_verdicts(client: "redis.asyncio.Redis", alerts: Sequence[StoredAlert]) -> list[StoredAlert]:
    pipeline = client.pipeline(transaction=False)
    for alert in alerts:
        pipeline.hget(VERDICTS.key(alert.device), verdict_field(alert.metric, alert.episode))
        pipeline.hget(DEVICE.key(alert.device), alert.metric)
    with translated():
        answers = await pipeline.execute()
    return [
        alert.model_copy(update=_said(verdict) | _raised(state))
        for alert, verdict, state in zip(alerts, answers[::2], answers[1::2], strict=True)
    ]


def _said(stored: bytes | None) -> dict[str, Any]:
    said = _object(stored)
    if said.get("verdict") not in set(Ruling):
        return {}
    return {"verdict": Ruling(said["verdict"]), "note": said.get("note")}


def _raised(state: bytes | None) -> dict[str, Any]:
    factor = _object(state).get("threshold_raise")
    return {"threshold_raise": factor} if isinstance(factor, float) else {}


def _object(stored: bytes | None) -> dict[str, Any]:
    """A JSON object, empty for anything else: only a foreign writer stores such."""
    try:
        found = orjson.loads(stored or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
