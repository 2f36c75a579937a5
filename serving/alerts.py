"""Alerts over the API: listed from Redis, confirmed or dismissed by a record in Kafka."""

import re
import time
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import orjson
import redis.asyncio
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from connectors.redis.alerts import StoredAlert, stored_alert, stored_alerts
from connectors.stores import StoreError
from schemas.alert_verdict import MAX_NOTE_LENGTH, AlertVerdict, Ruling
from schemas.record import faults
from schemas.topics import TELEMETRY_VERDICTS
from serving.auth import Authenticator
from serving.errors import ApiError, ErrorCode
from serving.interaction_producer import InteractionProducer, Unconfirmed
from serving.params import MAX_ID_LENGTH, identifier
from serving.request_body import read_body

MAX_ALERTS = 1000

JSON = "application/json"

Model = TypeVar("Model", bound=BaseModel)


class AlertQuery(BaseModel):
    """Query parameters of the list."""

    model_config = ConfigDict(extra="ignore")

    device: str | None = Field(None, min_length=1, max_length=MAX_ID_LENGTH, description="alerts of this device")
    since: int | None = Field(None, description="event time of the oldest alert, ms since the epoch")
    open: bool = Field(False, description="alerts without a verdict")
    limit: int = Field(100, ge=1, le=MAX_ALERTS, description="the maximum number of alerts")


class Alerts(BaseModel):
    """Alerts, the newest first."""

    alerts: list[StoredAlert]


class PostedVerdict(BaseModel):
    """What an alert was."""

    model_config = ConfigDict(extra="forbid")

    verdict: Ruling = Field(description="dismissed: nothing was wrong, so the series' threshold rises")
    note: str | None = Field(None, max_length=MAX_NOTE_LENGTH, description="free text")


class StoredVerdict(BaseModel):
    """Kafka has confirmed the verdict."""

    device: str
    metric: str
    episode: int
    verdict: Ruling
    note: str | None = None
    decided_at: int = Field(description="ms since the epoch")


class AlertSource(Protocol):
    """Where alerts are read."""

    async def newest(self, device: str | None, since_ms: int | None, limit: int) -> list[StoredAlert]: ...

    async def find(self, device: str, metric: str, episode: int) -> StoredAlert | None: ...


class AlertsInRedis:
    """The alerts of a Redis. Both raise StoreError."""

    def __init__(self, client: "redis.asyncio.Redis") -> None:
        self._client = client

    async def newest(self, device: str | None, since_ms: int | None, limit: int) -> list[StoredAlert]:
        return await stored_alerts(self._client, device, since_ms, limit)

    async def find(self, device: str, metric: str, episode: int) -> StoredAlert | None:
        return await stored_alert(self._client, device, metric, episode)


class AlertHandlers:
    """Their docstrings are the descriptions in OpenAPI; `serving.api` declares their routes."""

    def __init__(
        self, authenticator: Authenticator, source: AlertSource, producer: InteractionProducer, max_body_bytes: int,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 10**6,
    ) -> None:  # fmt: skip
        self._authenticator = authenticator
        self._source = source
        self._producer = producer
        self._max_body_bytes = max_body_bytes
        self._clock_ms = clock_ms

    async def list_alerts(self, request: Request) -> Response:
        """Alerts of the last 30 days, the newest first: the latest 10,000, or the latest 200 of a device."""
        self._authenticator.authorize(request.scope["headers"])
        query = _validated(AlertQuery, dict(request.query_params))
        try:
            # Which of them are open is known once they are read.
            found = await self._source.newest(query.device, query.since, MAX_ALERTS if query.open else query.limit)
        except StoreError as error:
            raise _redis_unavailable(error) from error
        shown = [alert.model_dump(mode="json") for alert in found if not (query.open and alert.verdict)]
        return Response(orjson.dumps({"alerts": shown[: query.limit]}), media_type=JSON)

    async def decide(self, request: Request) -> Response:
        """Confirm or dismiss an alert. The answer comes once Kafka has it; a second verdict replaces the first."""
        self._authenticator.authorize(request.scope["headers"])
        device, metric = (identifier(_raw(request, name), name) for name in ("device", "metric"))
        episode = _episode(_raw(request, "episode"))
        body = await read_body(request.scope, request.receive, self._max_body_bytes)
        posted = _validated(PostedVerdict, _json(body))
        await self._require_known(device, metric, episode)
        verdict = AlertVerdict(
            device=device, metric=metric, episode=episode, verdict=posted.verdict, note=posted.note,
            decided_at=self._clock_ms(),
        )  # fmt: skip
        await self._store(verdict)
        answer = verdict.model_dump(mode="json", exclude={"schema_version"})
        return Response(orjson.dumps(answer), status_code=202, media_type=JSON)

    async def _require_known(self, device: str, metric: str, episode: int) -> None:
        try:
            found = await self._source.find(device, metric, episode)
        except StoreError as error:
            raise _redis_unavailable(error) from error
        if found is None:
            raise ApiError(ErrorCode.UNKNOWN_ALERT, f"{device} has no alert of {metric} at {episode}")

    async def _store(self, verdict: AlertVerdict) -> None:
        record = (verdict.device.encode(), verdict.model_dump_json().encode())
        try:
            await self._producer.store([record], TELEMETRY_VERDICTS)
        except Unconfirmed as error:
            detail = f"{error}. Send the verdict again: the latest one counts"
            raise ApiError(ErrorCode.KAFKA_UNAVAILABLE, detail, retry_after_s=1) from error


def query_parameters() -> list[dict[str, Any]]:
    """What the list reads, as OpenAPI's Parameter Objects."""
    schema = AlertQuery.model_json_schema()["properties"]
    return [
        {"name": name, "in": "query", "description": each.pop("description"), "schema": each}
        for name, each in schema.items()
    ]


def _validated(model: type[Model], found: object) -> Model:
    try:
        return model.model_validate(found)
    except ValidationError as error:
        raise ApiError(ErrorCode.BAD_REQUEST, "; ".join(list(faults(error))[:3])) from error


def _json(body: bytes) -> object:
    try:
        found: object = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ApiError(ErrorCode.BAD_REQUEST, f"the body is not JSON: {error}") from error
    return found


def _raw(request: Request, name: str) -> bytes:
    raw: str = request.path_params[name]
    return raw.encode("latin-1")


def _episode(raw: bytes) -> int:
    if not re.fullmatch(rb"-?[0-9]{1,18}", raw):
        raise ApiError(ErrorCode.BAD_REQUEST, "episode: the event time of the alert in ms, as GET /alerts has it")
    return int(raw)


def _redis_unavailable(error: StoreError) -> ApiError:
    return ApiError(ErrorCode.REDIS_UNAVAILABLE, f"{error}", retry_after_s=1)
