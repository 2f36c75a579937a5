"""The three paths of the API as plain ASGI applications, whose answers are bytes at once.

FastAPI describes them (`api.py`) and would answer them too: 314 us of CPU a request the usual way, 59 us where only
its router runs. Here it is 27 us, of which nearly all are uvicorn's. It is also what lets an id hold an encoded slash.
"""

import logging
from collections.abc import Awaitable, Callable

import orjson

from serving import interactions
from serving.auth import Authenticator
from serving.errors import ApiError, ErrorCode
from serving.interaction_producer import InteractionProducer, NotStored
from serving.params import identifier, parse
from serving.recommendations import RecommendationService
from serving.request_body import read_body
from serving.response import Receive, Response, Scope, Send

log = logging.getLogger(__name__)

Answering = Callable[[Scope, Receive], Awaitable[Response]]


class Routes:
    """`find` says which of them a request is for."""

    def __init__(
        self,
        authenticator: Authenticator,
        answers: RecommendationService,
        interaction_producer: InteractionProducer,
        pseudonym_of: Callable[[str], str],
        max_body_bytes: int,
    ) -> None:
        self._authenticator = authenticator
        self._pseudonym_of = pseudonym_of
        self._answers = answers
        self._interactions = interaction_producer
        self._max_body_bytes = max_body_bytes
        self.refused = dict.fromkeys(ErrorCode, 0)

    def find(self, scope: Scope) -> "Route | None":
        """None for a request that is FastAPI's to answer: other paths, other methods."""
        method, parts = scope["method"], scope["raw_path"].split(b"/")
        if method == "GET" and len(parts) == 4 and not parts[0]:
            if parts[1] == b"users" and parts[3] == b"recommendations":
                return Route(self, self.recommendations)
            if parts[1] == b"items" and parts[3] == b"similar":
                return Route(self, self.similar)
        elif method == "POST" and parts == [b"", b"interactions"]:
            return Route(self, self.interactions)
        return None

    async def recommendations(self, scope: Scope, receive: Receive) -> Response:
        """GET /users/{id}/recommendations."""
        self._authenticator.authorize(scope["headers"])
        user = identifier(scope["raw_path"].split(b"/")[2], "user")
        return Response(200, await self._answers.for_user(user, parse(scope["query_string"])))

    async def similar(self, scope: Scope, receive: Receive) -> Response:
        """GET /items/{id}/similar."""
        self._authenticator.authorize(scope["headers"])
        item = identifier(scope["raw_path"].split(b"/")[2], "item")
        return Response(200, await self._answers.for_item(item, parse(scope["query_string"])))

    async def interactions(self, scope: Scope, receive: Receive) -> Response:
        """POST /interactions."""
        self._authenticator.authorize(scope["headers"])
        posted = interactions.read(await read_body(scope, receive, self._max_body_bytes))
        try:
            await self._interactions.store(interactions.records(posted, self._pseudonym_of))
        except NotStored as error:
            message = f"{error}. Send it again, with the same event_time: it then counts once"
            raise ApiError(ErrorCode.KAFKA_UNAVAILABLE, message, retry_after_s=1) from error
        return Response(202, orjson.dumps({"stored": len(posted), "event_times": [each.event_time for each in posted]}))

    async def respond(self, answering: Answering, scope: Scope, receive: Receive) -> Response:
        """What it answers; what goes wrong has a body too."""
        try:
            return await answering(scope, receive)
        except ApiError as problem:
            self.refused[problem.code] += 1
            return problem.response()
        except Exception:
            log.exception("%s /%s failed", scope["method"], scope["raw_path"].split(b"/")[1].decode())  # names nobody
            self.refused[ErrorCode.INTERNAL] += 1
            return ApiError(ErrorCode.INTERNAL, "a fault of ours: it is in the log").response()


class Route:
    """One of them, as an ASGI application."""

    __slots__ = ("_answering", "_paths")

    def __init__(self, paths: Routes, answering: Answering) -> None:
        self._paths = paths
        self._answering = answering

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._paths.respond(self._answering, scope, receive)
        await response.send(send)
