"""Reads the body of a request within a limit of size and of time."""

import asyncio

from starlette.types import Receive, Scope

from serving.errors import ApiError, ErrorCode

TIMEOUT_S = 5.0


async def read_body(scope: Scope, receive: Receive, max_bytes: int, timeout_s: float = TIMEOUT_S) -> bytes:
    """The whole body.

    Raises
    ------
    ApiError
        When the body is too large (at once if Content-Length says so), too slow, or cut off.
    """
    for name, value in scope["headers"]:
        if name == b"content-length" and int(value) > max_bytes:
            raise _too_large(max_bytes)
    try:
        async with asyncio.timeout(timeout_s):
            return await _read(receive, max_bytes)
    except TimeoutError:
        raise ApiError(ErrorCode.REQUEST_TIMEOUT, f"the body did not arrive within {timeout_s:g} s") from None


async def _read(receive: Receive, max_bytes: int) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ApiError(ErrorCode.BAD_REQUEST, "the connection ended before the body did")
        body += message.get("body", b"")
        if len(body) > max_bytes:
            raise _too_large(max_bytes)
        if not message.get("more_body", False):
            return bytes(body)


def _too_large(max_bytes: int) -> ApiError:
    return ApiError(ErrorCode.CONTENT_TOO_LARGE, f"the body has over {max_bytes:,} bytes: send fewer interactions")
