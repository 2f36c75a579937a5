"""The API as FastAPI knows it: its description (/openapi.json, /docs), health, metrics, and all other paths.

The three paths that work are declared here, with their bounds and examples, and answered by `quick_paths.py`.
"""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, cast

from fastapi import APIRouter, FastAPI, Path, Query, Request, Security
from fastapi import Response as FastAPIResponse
from fastapi.responses import PlainTextResponse
from fastapi.routing import APIRoute
from fastapi.security import APIKeyHeader
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from serving.errors import ApiError, ErrorCode
from serving.health import Health
from serving.interactions import MAX_BATCH, PostedInteraction
from serving.params import DEFAULT_LIMIT, MAX_CONTEXT_LENGTH, MAX_EXCLUDED, MAX_ID_LENGTH
from serving.response import Receive, Response, Scope, Send
from serving.routes import Routes
from serving.stored_lists import MAX_ITEMS

Key = Security(APIKeyHeader(name="X-API-Key", auto_error=False, description="A key of this service."))
UserId = Annotated[str, Path(min_length=1, max_length=MAX_ID_LENGTH, examples=["u-17"])]
ItemId = Annotated[str, Path(min_length=1, max_length=MAX_ID_LENGTH, examples=["i-42"])]
Limit = Annotated[int, Query(ge=1, le=MAX_ITEMS, description="how many items at most")]
Context = Annotated[
    str | None,
    Query(
        max_length=MAX_CONTEXT_LENGTH, description="free text, kept in the exposure as it is", examples=["home page"]
    ),
]
Exclude = Annotated[
    list[str] | None,
    Query(
        max_length=MAX_EXCLUDED,
        description=f"items not to show: several times, with commas, or both; {MAX_EXCLUDED} at most in all",
        examples=[["i-1", "i-2"]],
    ),
]


class ShownItem(BaseModel):
    """One item of a list."""

    item: str
    score: float = Field(description="higher is better; to be compared within one list only")
    why: str | None = Field(None, description="goes with an item, popular, trending: for a person")


class ShownList(BaseModel):
    """What all lists have."""

    items: list[ShownItem]
    source: str = Field(description="personal or similar: made for the question; popular, trending: what all see; none")
    degraded: bool = Field(description="true while Redis is away: the last popular list stands in")
    model_version: str | None
    generated_at: int | None = Field(description="ms since the epoch")


class Recommendations(ShownList):
    """A user's list."""

    model_config = ConfigDict(json_schema_extra={"examples": [{
        "user": "u-17", "exposure_id": "6f0c5d0f3b5e4c0e8a1f2b3c4d5e6f70",
        "items": [{"item": "i-42", "score": 0.8125, "why": "goes with i-7"}],
        "source": "personal", "degraded": False, "model_version": "v3", "generated_at": 1_790_000_000_000,
    }]})  # fmt: skip

    user: str
    exposure_id: str = Field(description="name it in the interactions that follow")


class SimilarItems(ShownList):
    """What goes with an item."""

    item: str


class Stored(BaseModel):
    """Kafka has confirmed all of them."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"stored": 1, "event_times": [1_790_000_000_000]}]})

    stored: int
    event_times: list[int] = Field(description="of each, in the order of the request")


class Error(BaseModel):
    """Whatever goes wrong looks like this."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"error": "bad_request", "message": "limit: a whole number from 1 to 50"}]}
    )

    error: ErrorCode
    message: str


_ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"model": Error, "description": "The request is not as it should be; the message says where."},
    401: {"model": Error, "description": "No key, or a wrong one."},
    414: {"model": Error, "description": "The query is too long."},
    429: {"model": Error, "description": "Too many requests of this key; `Retry-After` says when, in seconds."},
}
_STORE_ERRORS = _ERRORS | {
    408: {"model": Error, "description": "The body came too slowly."},
    413: {"model": Error, "description": "The body is too large."},
    503: {"model": Error, "description": "Kafka has not confirmed it: send it again."},
}


def api(paths: Routes, health: Health, metrics: CollectorRegistry) -> FastAPI:
    """The application without the short cut."""
    app = FastAPI(
        title="Headrace recommendations",
        version="1",
        description="Lists that follow what users do, within seconds.",
        redoc_url=None,
        redirect_slashes=False,
    )
    app.include_router(_described(paths))
    app.include_router(_operations(health, metrics))
    app.add_exception_handler(HTTPException, cast(Any, _plain))
    return app


def _described(paths: Routes) -> APIRouter:
    router = APIRouter(dependencies=[Key], tags=["recommendations"])
    answers = {
        "recommendations": paths.recommendations,
        "similar": paths.similar,
        "interactions": paths.interactions,
    }

    class Answered(APIRoute):
        """A route whose declaration is for readers, and whose answer is the quick path's."""

        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, FastAPIResponse]]:
            async def answer(request: Request) -> FastAPIResponse:
                return _of_fastapi(await paths.respond(answers[self.name], request.scope, request.receive))

            return answer

    router.route_class = Answered

    @router.get("/users/{user}/recommendations", response_model=Recommendations, responses=_ERRORS)
    async def recommendations(
        user: UserId, limit: Limit = DEFAULT_LIMIT, context: Context = None, exclude: Exclude = None
    ) -> None:
        """Items for a user, the best first. A user without a list gets what is popular."""

    @router.get("/items/{item}/similar", response_model=SimilarItems, responses=_ERRORS)
    async def similar(
        item: ItemId, limit: Limit = DEFAULT_LIMIT, context: Context = None, exclude: Exclude = None
    ) -> None:
        """Items that go with an item. One that nothing is known of gets what is popular."""

    @router.post("/interactions", response_model=Stored, status_code=202, responses=_STORE_ERRORS)
    async def interactions(
        posted: PostedInteraction | Annotated[list[PostedInteraction], Field(min_length=1, max_length=MAX_BATCH)],
    ) -> None:
        """Store what a user did. Answered when Kafka has it; all of an array are stored, or send all again."""

    return router


def _operations(health: Health, metrics: CollectorRegistry) -> APIRouter:
    router = APIRouter(tags=["operation"], default_response_class=PlainTextResponse)

    @router.get("/healthz")
    async def healthz() -> FastAPIResponse:
        """The process lives."""
        return PlainTextResponse("ok\n")

    @router.get("/readyz", responses={503: {"description": "It wants no requests; the text says why."}})
    async def readyz() -> FastAPIResponse:
        """It wants requests. Also with Redis or Kafka away, which the text then says."""
        if (why := health.not_ready()) is not None:
            return PlainTextResponse(f"{why}\n", 503)
        return PlainTextResponse("; ".join(["ready", *health.impaired()]) + "\n")

    @router.get("/metrics")
    async def prometheus() -> FastAPIResponse:
        """Counters of this instance, for Prometheus."""
        return FastAPIResponse(generate_latest(metrics), media_type=CONTENT_TYPE_LATEST)

    return router


async def _plain(request: Request, error: HTTPException) -> FastAPIResponse:
    """What the router refuses, in the form that all errors have."""
    if error.status_code == 405:
        problem = ApiError(ErrorCode.METHOD_NOT_ALLOWED, f"{request.url.path} is not for {request.method}")
    else:
        problem = ApiError(ErrorCode.NOT_FOUND, f"there is no {request.url.path}; /docs shows what there is")
    response = _of_fastapi(problem.response())
    response.headers.update(error.headers or {})
    return response


def _of_fastapi(response: Response) -> FastAPIResponse:
    headers = {name.decode(): value.decode() for name, value in response.headers}
    return FastAPIResponse(response.body, response.status, headers, media_type="application/json")


class Application:
    """ASGI: the quick paths past FastAPI, the rest through it."""

    def __init__(self, paths: Routes, rest: FastAPI) -> None:
        self._paths = paths
        self._rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        quick = self._paths.find(scope) if scope["type"] == "http" else None
        await (quick or cast(Any, self._rest))(scope, receive, send)
