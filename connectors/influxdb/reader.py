"""Reads InfluxDB 2: Flux queries row by row, and how long the bucket keeps points."""

import csv
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx

from connectors.endpoints import Endpoints
from connectors.influxdb.writer import http_client
from connectors.stores import StoreMisconfigured, StoreUnavailable

_NEVER = {401: "the token is not valid", 403: "the token may not read", 404: "organisation or bucket does not exist"}


class InfluxDBReader:
    """Answers Flux queries of one organisation.

    Parameters
    ----------
    client
        An httpx client with base URL and Authorization header, closed by the caller.
    org, bucket
        Where to read.

    Source: https://docs.influxdata.com/influxdb/v2/api/#operation/PostQuery
    """

    def __init__(self, client: httpx.Client, org: str, bucket: str) -> None:
        self._client = client
        self._org = org
        self.bucket = bucket

    @classmethod
    def connect(cls, endpoints: Endpoints) -> "InfluxDBReader":
        """A reader for the InfluxDB of `endpoints`. Opens no connection yet."""
        return cls(http_client(endpoints, timeout_s=60.0), endpoints.influxdb_org, endpoints.influxdb_bucket)

    def rows(self, flux: str) -> Iterator[dict[str, str]]:
        """Each row of each table as texts, with the name of its `yield` under `result`.

        Raises
        ------
        StoreUnavailable
            When InfluxDB does not answer or asks for a pause.
        StoreMisconfigured
            When we may not read.
        ValueError
            With InfluxDB's own words when it refuses the query.
        """
        dialect = {"header": True, "annotations": [], "dateTimeFormat": "RFC3339Nano"}
        body = {"query": flux, "type": "flux", "dialect": dialect}
        request = self._client.build_request(
            "POST", "/api/v2/query", params={"org": self._org}, json=body, headers={"Accept": "application/csv"}
        )
        answer = self._send(request)
        try:
            yield from _parsed(_lines(answer.iter_bytes()))
        except httpx.TransportError as error:
            raise self._unavailable(error) from error
        finally:
            answer.close()

    def retention_s(self) -> int:
        """How long the bucket keeps points, 0 for ever. Raises as `rows` does."""
        request = self._client.build_request("GET", "/api/v2/buckets", params={"org": self._org, "name": self.bucket})
        answer = self._send(request)
        try:
            answer.read()
        except httpx.TransportError as error:
            raise self._unavailable(error) from error
        buckets = answer.json().get("buckets") or []
        if not buckets:
            raise StoreMisconfigured(f"InfluxDB has no bucket {self.bucket}: `headrace up` makes it")
        return int(sum(rule["everySeconds"] for rule in buckets[0]["retentionRules"]))

    def _send(self, request: httpx.Request) -> httpx.Response:
        try:
            answer = self._client.send(request, stream=True)
            if answer.is_success:
                return answer
            answer.read()
        except httpx.TransportError as error:
            raise self._unavailable(error) from error
        words = answer.text[:500]
        if answer.status_code in _NEVER:
            raise StoreMisconfigured(
                f"InfluxDB at {self._client.base_url}: {_NEVER[answer.status_code]}. Check HEADRACE_INFLUXDB_TOKEN, "
                f"_ORG ({self._org}) and _BUCKET ({self.bucket}). It said: {words}"
            )
        if answer.status_code == httpx.codes.BAD_REQUEST:
            raise ValueError(f"InfluxDB refused the query: {words}")
        raise StoreUnavailable(f"InfluxDB answered {answer.status_code}: {words}")

    def _unavailable(self, error: httpx.TransportError) -> StoreUnavailable:
        return StoreUnavailable(f"InfluxDB at {self._client.base_url} does not answer ({error!r})")


def _lines(chunks: Iterator[bytes]) -> Iterator[str]:
    """With their ends, cut at line feeds only: a device's name may hold what else Unicode calls a line break."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line.decode() + "\n"
    if rest:
        yield rest.decode()


def _parsed(lines: Iterator[str]) -> Iterator[dict[str, str]]:
    """An answer has one table after another: an empty line, a head, rows; an error in the middle is a table too."""
    head: list[str] = []
    for cells in csv.reader(lines):
        if not cells:
            head = []
        elif not head:
            head = cells
        else:
            row = dict(zip(head, cells, strict=True))
            if "error" in row:
                raise StoreUnavailable(f"InfluxDB stopped in the middle of its answer: {row['error']}")
            yield row


def text(value: str) -> str:
    r"""A Flux string. A dollar sign goes as its code: before a brace it would begin an expression.

    >>> print(text('a "b" ${c}'))
    "a \"b\" \x24{c}"
    """
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\x24") + '"'


def instant(ms: int) -> str:
    """A Flux time of ms since the epoch.

    >>> instant(1790000000123)
    '2026-09-21T14:13:20.123Z'
    """
    moment = datetime.fromtimestamp(ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"


def milliseconds(instant_: str) -> int:
    """The inverse of `instant`, for what an answer has under `_time`.

    >>> milliseconds("2026-09-21T14:13:20.123Z")
    1790000000123
    """
    moment = datetime.fromisoformat(instant_)
    return int(moment.replace(microsecond=0).timestamp()) * 1000 + moment.microsecond // 1000
