"""Reads the body of a request, within a bound of size and of time."""

import asyncio

from serving.errors import ApiError, ErrorCode
from serving.response import Receive, Scope

WITHIN_S = 5.0


async def read_body(scope: Scope, receive: Receive, most_bytes: int, within_s: float = WITHIN_S) -> bytes:
    """The whole body. Raises Problem: too large (at once, if its length was told), too slow, or cut off."""
    for name, value in scope["headers"]:
        if name == b"content-length" and int(value) > most_bytes:
            raise _too_large(most_bytes)
    try:
        async with asyncio.timeout(within_s):
            return await _read(receive, most_bytes)
    except TimeoutError:
        raise ApiError(ErrorCode.REQUEST_TIMEOUT, f"the body was not there after {within_s:g} s") from None


async def _read(receive: Receive, most_bytes: int) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ApiError(ErrorCode.BAD_REQUEST, "the connection ended before the body did")
        body += message.get("body", b"")
        if len(body) > most_bytes:
            raise _too_large(most_bytes)
        if not message.get("more_body", False):
            return bytes(body)


def _too_large(most_bytes: int) -> ApiError:
    return ApiError(ErrorCode.TOO_LARGE, f"the body has over {most_bytes} bytes")
