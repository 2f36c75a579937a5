"""An application in the demo of recommendations."""

from collections.abc import Sequence
from typing import Any

from connectors.http_clients import http_client


class Shop:
    """What an application does: posts what users do, asks for their lists."""

    def __init__(self, address: str, key: str) -> None:
        self._client = http_client(address, timeout_s=10, headers={"X-API-Key": key})

    def __enter__(self) -> "Shop":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def post(self, interactions: Sequence[dict[str, Any]]) -> None:
        self._client.post("/interactions", json=list(interactions)).raise_for_status()

    def list_of(self, user: str) -> dict[str, Any]:
        answer = self._client.get(f"/users/{user}/recommendations").raise_for_status()
        return dict(answer.json())
