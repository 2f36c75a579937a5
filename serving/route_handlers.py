"""The three endpoints that work. Each gets the request as it came and returns a finished response."""

from collections.abc import Callable

import orjson
from starlette.requests import Request
from starlette.responses import Response

from serving import interactions
from serving.auth import Authenticator
from serving.errors import ApiError, ErrorCode
from serving.interaction_producer import InteractionProducer, Unconfirmed
from serving.params import identifier, parse
from serving.recommendations import RecommendationService
from serving.request_body import read_body

JSON = "application/json"


class RouteHandlers:
    """Their docstrings are the descriptions in OpenAPI; `serving.api` declares their routes."""

    def __init__(
        self,
        authenticator: Authenticator,
        recommendation_service: RecommendationService,
        interaction_producer: InteractionProducer,
        pseudonym_of: Callable[[str], str],
        max_body_bytes: int,
    ) -> None:
        self._authenticator = authenticator
        self._service = recommendation_service
        self._interactions = interaction_producer
        self._pseudonym_of = pseudonym_of
        self._max_body_bytes = max_body_bytes

    async def recommendations(self, request: Request) -> Response:
        """Items for a user, the best first. A user without a list gets the popular items."""
        self._authenticator.authorize(request.scope["headers"])
        user = _identifier(request, "user")
        answer = await self._service.for_user(user, parse(request.scope["query_string"]))
        return Response(answer, media_type=JSON)

    async def similar(self, request: Request) -> Response:
        """Items that are similar to an item. An unknown item gets the popular items."""
        self._authenticator.authorize(request.scope["headers"])
        item = _identifier(request, "item")
        answer = await self._service.for_item(item, parse(request.scope["query_string"]))
        return Response(answer, media_type=JSON)

    async def interactions(self, request: Request) -> Response:
        """Store what users did: one interaction or an array. The answer comes once Kafka has confirmed all of them."""
        self._authenticator.authorize(request.scope["headers"])
        posted = interactions.read(await read_body(request.scope, request.receive, self._max_body_bytes))
        try:
            await self._interactions.store(interactions.records(posted, self._pseudonym_of))
        except Unconfirmed as error:
            detail = f"{error}. Send the interactions again with the same event_time: a repeated one counts once"
            raise ApiError(ErrorCode.KAFKA_UNAVAILABLE, detail, retry_after_s=1) from error
        answer = {"stored": len(posted), "event_times": [each.event_time for each in posted]}
        return Response(orjson.dumps(answer), status_code=202, media_type=JSON)


def _identifier(request: Request, name: str) -> str:
    return identifier(request.path_params[name].encode("latin-1"), name)
