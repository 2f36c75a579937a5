"""Flink's REST API, asked and answered in JSON (docs: ops/rest_api)."""

from types import TracebackType
from typing import Any

import httpx

from connectors.http_clients import http_client
from schemas.errors import TransientError


class FlinkUnavailable(TransientError):
    """Raised where the JobManager does not answer, or answers with an error. Transient: it may answer later."""


class FlinkRest:
    """One cluster's API at host:port. A context manager, which closes its connections."""

    def __init__(self, address: str, timeout_s: float = 10.0) -> None:
        self._address = address
        self._client = http_client(f"http://{address}", timeout_s=timeout_s)

    def __enter__(self) -> "FlinkRest":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def get(self, path: str) -> Any:
        """The answer to GET.

        Raises
        ------
        FlinkUnavailable
        """
        return self.ask("GET", path)

    def find(self, path: str) -> Any:
        """As `get`; {} for what is not there: a job without checkpoints, or one that ended between two questions."""
        return self.ask("GET", path, missing={})

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None, missing: Any = None) -> Any:
        """The answer to any method; `missing` for 404, where it is given.

        Raises
        ------
        FlinkUnavailable
        """
        try:
            answer = self._client.request(method, path, json=body)
            if missing is not None and answer.status_code == httpx.codes.NOT_FOUND:
                return missing
            return answer.raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            raise FlinkUnavailable(
                f"Flink at {self._address} does not answer {method} {path}: {str(error) or type(error).__name__}"
            ) from error
