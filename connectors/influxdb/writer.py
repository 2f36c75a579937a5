"""InfluxDB 2: line protocol in batches, the refused rows found and named."""

import logging
import re
from collections.abc import Sequence

import httpx

from connectors import http_clients
from connectors.endpoints import Endpoints
from connectors.retries import DEFAULT_RETRIES, Retries
from connectors.stores import StoreMisconfigured, StoreUnavailable

# A line for each request would be most of a TaskManager's log, and PyFlink sends each one over gRPC.
logging.getLogger("httpx").setLevel(logging.WARNING)

# Answers that are about rows: the closed list, in InfluxDB's own JSON. A proxy's page, or what is said of the request
# or of the server, is no fault of a row. `max-... limit exceeded` is a limit of InfluxDB 1, which an operator raises.
_PARTIAL_WRITE = r"(failure writing points to database: )?partial write: "
_OF_ROWS = {400: re.compile(rf"unable to parse |{_PARTIAL_WRITE}"), 422: re.compile(_PARTIAL_WRITE)}
_LIMIT_OF_THE_SERVER = re.compile(rf"{_PARTIAL_WRITE}max-[a-z-]+ limit exceeded")
MAX_MESSAGE_LENGTH = 500
"""Characters of an answer that are kept."""
_TOO_LARGE = 413
_ITS_OWN_LIMIT = "request too large"
_NEVER = {401: "the token is not valid", 403: "the token may not write", 404: "organisation or bucket does not exist"}


def http_client(endpoints: Endpoints, timeout_s: float) -> httpx.Client:
    """A client with the base URL and the token of `endpoints`. Opens no connection yet."""
    token = endpoints.influxdb_token
    # An empty one is no header that HTTP allows; without one InfluxDB answers 401, which says what is missing.
    headers = {"Authorization": f"Token {token.get_secret_value()}"} if token else {}
    return http_clients.http_client(endpoints.influxdb_url, timeout_s, headers)


class InfluxDBWriter:
    """Writes lines of line protocol, ms precision. Writing a line twice leaves one point.

    Parameters
    ----------
    client
        An httpx client with base URL and Authorization header, closed by the caller.
    org, bucket
        Where to write.
    retries
        How long an unavailable InfluxDB is waited for before StoreUnavailable is raised.

    Source: https://docs.influxdata.com/influxdb/v2/api/#operation/PostWrite
    """

    def __init__(self, client: httpx.Client, org: str, bucket: str, retries: Retries = DEFAULT_RETRIES) -> None:
        self._client = client
        self._parameters = {"org": org, "bucket": bucket, "precision": "ms"}
        self._retries = retries

    @classmethod
    def connect(cls, endpoints: Endpoints) -> "InfluxDBWriter":
        """A writer for the InfluxDB of `endpoints`. Opens no connection yet."""
        return cls(http_client(endpoints, timeout_s=20.0), endpoints.influxdb_org, endpoints.influxdb_bucket)

    def write(self, lines: Sequence[str]) -> list[str | None]:
        """For each line None, or InfluxDB's words if it refused that line. All others are stored.

        Raises
        ------
        StoreUnavailable
            InfluxDB has not answered within the patience of `retries`.
        StoreMisconfigured
            InfluxDB will never take anything of us; the message says why.
        """
        refusals: list[str | None] = [None] * len(lines)
        if lines:
            self._write_slice(lines, 0, len(lines), refusals)
        return refusals

    def _write_slice(self, lines: Sequence[str], start: int, end: int, refusals: list[str | None]) -> None:
        """Halves a refused batch until the bad lines stand alone; a good line that goes twice is one point."""
        body = "\n".join(lines[start:end]).encode()
        words = self._retries.call(lambda: self._post(body, is_one_row=end - start == 1))
        if words is None:
            return
        if end - start == 1:
            refusals[start] = words
            return
        middle = (start + end) // 2
        self._write_slice(lines, start, middle, refusals)
        self._write_slice(lines, middle, end, refusals)

    def _post(self, body: bytes, is_one_row: bool) -> str | None:
        """None if stored, InfluxDB's message if at least one line was refused."""
        try:
            answer = self._client.post("/api/v2/write", params=self._parameters, content=body)
        except httpx.TransportError as error:
            raise StoreUnavailable(f"InfluxDB at {self._client.base_url} does not answer ({error!r})") from error
        if answer.is_success:
            return None
        code, message = _error(answer)
        words = message[:MAX_MESSAGE_LENGTH]
        if _is_about_rows(answer.status_code, message) or (answer.status_code == _TOO_LARGE and not is_one_row):
            return words
        if answer.status_code == _TOO_LARGE:
            return self._too_large(code, words, len(body))
        if answer.status_code in _NEVER:
            raise StoreMisconfigured(
                f"InfluxDB at {self._client.base_url}: {_NEVER[answer.status_code]}. Check HEADRACE_INFLUXDB_TOKEN, "
                f"_ORG ({self._parameters['org']}) and _BUCKET ({self._parameters['bucket']}). "
                f"It said: {words}"
            )
        raise StoreUnavailable(f"InfluxDB answered {answer.status_code}: {words}", _retry_after_s(answer))

    def _too_large(self, code: str, words: str, size_bytes: int) -> str:
        """InfluxDB may refuse a row for its size. A proxy in front of it may not: its limit is not that of the data."""
        if code == _ITS_OWN_LIMIT:
            return words
        raise StoreMisconfigured(
            f"What answers at {self._client.base_url} takes no request with a row of {size_bytes} bytes (413): "
            "raise the limit of the proxy in front of InfluxDB (nginx: client_max_body_size)"
        )


def _is_about_rows(status: int, message: str) -> bool:
    known = _OF_ROWS.get(status)
    return known is not None and known.match(message) is not None and not _LIMIT_OF_THE_SERVER.match(message)


def _error(answer: httpx.Response) -> tuple[str, str]:
    """Code and message of InfluxDB's JSON; of another answer no code, and its text in brackets."""
    try:
        found = answer.json()
        return str(found.get("code") or ""), str(found["message"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return "", f"({answer.text[:MAX_MESSAGE_LENGTH]})"


def _retry_after_s(answer: httpx.Response) -> float | None:
    """Seconds of a Retry-After header; the form with a date is not used by InfluxDB."""
    value = answer.headers.get("Retry-After", "")
    return float(value) if value.isdecimal() else None
