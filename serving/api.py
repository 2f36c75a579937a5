"""The application: every route with its description, once; errors; the documentation page.

FastAPI describes the routes and Starlette serves them: a FastAPI application would cost each request 30 us more, for
parameters and dependencies that these endpoints do not have (docs/adr/0020).
"""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import fastapi_offline
from fastapi import Security
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from fastapi.security import APIKeyHeader
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.convertors import Convertor, register_url_convertor  # codespell:ignore
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Match, Mount, Route, request_response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Scope

from serving.alerts import AlertHandlers, Alerts, PostedVerdict, StoredVerdict, query_parameters
from serving.answers import Recommendations, SimilarItems, StoredInteractions
from serving.errors import MEDIA_TYPE, PROBLEM_TYPES, TYPE_PREFIX, ApiError, ErrorCode, Problem, explanation
from serving.health import Health
from serving.interactions import MAX_BATCH, PostedInteraction
from serving.params import QUERY_PARAMETERS, path_parameter
from serving.request_id import RequestIds, request_id
from serving.route_handlers import RouteHandlers

TITLE = "Headrace recommendations"
KEY = Security(APIKeyHeader(name="X-API-Key", auto_error=False, description="An API key of this service."))
REFERENCE = "#/components/schemas/{model}"
RETRY_AFTER = {"Retry-After": {"description": "in seconds", "schema": {"type": "integer", "minimum": 1}}}

Endpoint = Callable[[Request], Awaitable[Response]]


class Segment(Convertor[str]):  # codespell:ignore
    """One segment of the path, which may be empty: the endpoint then says what is wrong with it."""

    regex = "[^/]*"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("segment", Segment())


class DescribedRoute(APIRoute):
    """A route that FastAPI can describe, of an endpoint that takes the request alone.

    What `dependencies` and `openapi_extra` declare is description only: endpoints parse their requests themselves. The
    path is matched as the client sent it, because a decoded id with a slash (`%2F`) would be two segments.
    """

    def __init__(self, path: str, endpoint: Endpoint, method: str = "GET", **described: Any) -> None:
        super().__init__(path, endpoint, methods=[method], **described)
        self.app = request_response(endpoint)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        return super().matches({**scope, "path": scope["raw_path"].decode("latin-1")})


def create_app(
    endpoints: RouteHandlers,
    alerts: AlertHandlers,
    health: Health,
    metrics: CollectorRegistry,
    refused: dict[ErrorCode, int],
) -> ASGIApp:
    """`refused` counts the errors that are answered, by code."""
    described = [
        *_api_routes(endpoints),
        *_alert_routes(alerts),
        *_operations_routes(health, metrics),
        _problem_route(),
    ]
    app = Starlette(
        routes=[*described, *_documentation_routes(described)], exception_handlers=_exception_handlers(refused)
    )
    app.router.redirect_slashes = False
    return RequestIds(app)


def _api_routes(endpoints: RouteHandlers) -> list[BaseRoute]:
    interaction = {"$ref": REFERENCE.format(model=PostedInteraction.__name__)}
    batch = {"type": "array", "items": interaction, "minItems": 1, "maxItems": MAX_BATCH}
    body = {"required": True, "content": {"application/json": {"schema": {"oneOf": [interaction, batch]}}}}
    common: dict[str, Any] = {"dependencies": [KEY], "tags": ["recommendations"]}
    return [
        DescribedRoute(
            "/users/{user:segment}/recommendations",
            endpoints.recommendations,
            summary="Recommendations for a user",
            response_model=Recommendations,
            responses=_problems(400, 401, 414, 429, 500),
            openapi_extra={"parameters": [path_parameter("user", "u-17"), *QUERY_PARAMETERS]},
            **common,
        ),
        DescribedRoute(
            "/items/{item:segment}/similar",
            endpoints.similar,
            summary="Similar items",
            response_model=SimilarItems,
            responses=_problems(400, 401, 414, 429, 500),
            openapi_extra={"parameters": [path_parameter("item", "i-42"), *QUERY_PARAMETERS]},
            **common,
        ),
        DescribedRoute(
            "/interactions",
            endpoints.interactions,
            "POST",
            summary="Store interactions",
            response_model=StoredInteractions,
            status_code=202,
            responses=_problems(400, 401, 408, 413, 429, 500, 503),
            openapi_extra={"requestBody": body},
            **common,
        ),
    ]


def _alert_routes(handlers: AlertHandlers) -> list[BaseRoute]:
    body = {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": REFERENCE.format(model="PostedVerdict")}}},
    }
    episode = {
        "name": "episode",
        "in": "path",
        "required": True,
        "schema": {"type": "integer"},
        "example": 1_790_000_000_000,
    }
    names = [path_parameter("device", "pump-7"), path_parameter("metric", "temperature"), episode]
    common: dict[str, Any] = {"dependencies": [KEY], "tags": ["alerts"]}
    return [
        DescribedRoute(
            "/alerts",
            handlers.list_alerts,
            summary="Alerts",
            response_model=Alerts,
            responses=_problems(400, 401, 429, 500, 503),
            openapi_extra={"parameters": query_parameters()},
            **common,
        ),
        DescribedRoute(
            "/alerts/{device:segment}/{metric:segment}/{episode:segment}/verdict",
            handlers.decide,
            "POST",
            summary="Confirm or dismiss an alert",
            response_model=StoredVerdict,
            status_code=202,
            responses=_problems(400, 401, 404, 408, 413, 429, 500, 503),
            openapi_extra={"parameters": names, "requestBody": body},
            **common,
        ),
    ]


def _operations_routes(health: Health, metrics: CollectorRegistry) -> list[BaseRoute]:
    async def liveness(request: Request) -> Response:
        """The process is alive."""
        return PlainTextResponse("ok\n")

    async def readiness(request: Request) -> Response:
        """The instance is ready for requests. The text names what is unavailable, Redis or Kafka."""
        if (reason := health.not_ready()) is not None:
            return PlainTextResponse(f"{reason}\n", 503)
        return PlainTextResponse("; ".join(["ready", *health.degradations()]) + "\n")

    async def prometheus(request: Request) -> Response:
        """Metrics of this instance, for Prometheus."""
        return Response(generate_latest(metrics), media_type=CONTENT_TYPE_LATEST)

    common: dict[str, Any] = {"tags": ["operation"], "response_class": PlainTextResponse}
    unready = {503: {"description": "Not ready; the text says why."}}
    return [
        DescribedRoute("/healthz", liveness, summary="Liveness", **common),
        DescribedRoute("/readyz", readiness, summary="Readiness", responses=unready, **common),
        DescribedRoute("/metrics", prometheus, summary="Metrics", **common),
    ]


def _problem_route() -> BaseRoute:
    async def problem_type(request: Request) -> Response:
        """Explains a type of error: its status and what to do about it."""
        code = request.path_params["code"]
        if code not in PROBLEM_TYPES:
            raise HTTPException(404)
        return PlainTextResponse(explanation(ErrorCode(code)), media_type="text/markdown")

    schema = {"type": "string", "enum": list(ErrorCode)}
    return DescribedRoute(
        TYPE_PREFIX + "{code}",
        problem_type,
        summary="Explain an error",
        tags=["errors"],
        response_class=PlainTextResponse,
        responses=_problems(404),
        openapi_extra={"parameters": [{"name": "code", "in": "path", "required": True, "schema": schema}]},
    )


def _documentation_routes(described: list[BaseRoute]) -> list[BaseRoute]:
    description = _openapi(described)
    page = get_swagger_ui_html(
        openapi_url="/openapi.json",
        title=TITLE,
        swagger_js_url="/docs/assets/swagger-ui-bundle.js",
        swagger_css_url="/docs/assets/swagger-ui.css",
        swagger_favicon_url="/docs/assets/favicon.png",
        swagger_ui_parameters={"validatorUrl": None},
    )

    async def openapi(request: Request) -> Response:
        return JSONResponse(description)

    async def docs(request: Request) -> Response:
        return page

    return [
        Route("/openapi.json", openapi),
        Route("/docs", docs),
        # FastAPI's own page loads them from a CDN.
        Mount("/docs/assets", StaticFiles(directory=Path(fastapi_offline.__file__).with_name("static"))),
    ]


def _exception_handlers(refused: dict[ErrorCode, int]) -> dict[Any, Any]:
    async def api_error(request: Request, error: ApiError) -> Response:
        refused[error.code] += 1
        return error.response(request_id(request))

    async def not_routed(request: Request, error: HTTPException) -> Response:
        path = request.url.path
        if error.status_code == 405:
            problem = ApiError(ErrorCode.METHOD_NOT_ALLOWED, f"{path} does not support {request.method}")
        else:
            problem = ApiError(ErrorCode.NOT_FOUND, f"there is no {path}: see /docs for the paths of this API")
        response = await api_error(request, problem)
        response.headers.update(error.headers or {})
        return response

    async def internal_error(request: Request, error: Exception) -> Response:
        # RequestIds logs it.
        return await api_error(request, ApiError(ErrorCode.INTERNAL, "the cause is in the instance's log"))

    return {ApiError: api_error, HTTPException: not_routed, Exception: internal_error}


def _problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Descriptions of the errors that an instance answers with, by status."""
    content = {MEDIA_TYPE: {"schema": {"$ref": REFERENCE.format(model=Problem.__name__)}}}
    found: dict[int | str, dict[str, Any]] = {}
    for code, (status, title, remedy) in PROBLEM_TYPES.items():
        if status in statuses:
            described = found.setdefault(status, {"description": "", "content": content})
            described["description"] += f"{' ' if described['description'] else ''}`{code.type}`: {title}. {remedy}"
            if status in (429, 503):
                described["headers"] = RETRY_AFTER
    return found


def _openapi(described: list[BaseRoute]) -> dict[str, Any]:
    """The description, with the schemas that no route declares to FastAPI."""
    found = get_openapi(
        title=TITLE, version="1", description="Lists that follow what users do, within seconds.", routes=described
    )
    for model in (PostedInteraction, PostedVerdict, Problem):
        found["components"]["schemas"][model.__name__] = model.model_json_schema(ref_template=REFERENCE)
    return found
