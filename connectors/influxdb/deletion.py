"""Removes points from InfluxDB 2, by a tag.

Source: https://docs.influxdata.com/influxdb/v2/api/#operation/PostDelete
"""

import httpx

from connectors.endpoints import Endpoints
from connectors.influxdb.points import can_be_tag
from connectors.influxdb.writer import http_client
from connectors.stores import StoreMisconfigured, StoreUnavailable


class InfluxDBRemover:
    """Of one bucket. `client` has the base URL and the token, and is closed by the caller."""

    def __init__(self, client: httpx.Client, org: str, bucket: str) -> None:
        self._client, self._parameters = client, {"org": org, "bucket": bucket}

    @classmethod
    def connect(cls, endpoints: Endpoints) -> "InfluxDBRemover":
        """For the InfluxDB of `endpoints`. Opens no connection yet."""
        return cls(http_client(endpoints, timeout_s=60.0), endpoints.influxdb_org, endpoints.influxdb_bucket)

    def remove(self, measurement: str, tag: str, value: str) -> None:
        """Every point of a measurement with that tag, of any time.

        A value that cannot be a tag is no point's, and a predicate could not name it.

        Raises
        ------
        StoreUnavailable
        StoreMisconfigured
        """
        if not can_be_tag(value):
            return
        body = {
            "start": "1970-01-01T00:00:00Z",
            "stop": "2200-01-01T00:00:00Z",
            "predicate": f"_measurement={_quoted(measurement)} AND {tag}={_quoted(value)}",
        }
        try:
            answer = self._client.post("/api/v2/delete", params=self._parameters, json=body)
        except httpx.TransportError as error:
            raise StoreUnavailable(f"InfluxDB at {self._client.base_url} does not answer ({error!r})") from error
        if answer.is_success:
            return
        words = f"InfluxDB answered {answer.status_code}: {answer.text[:500]}"
        raise StoreUnavailable(words) if answer.is_server_error else StoreMisconfigured(words)


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
