"""InfluxDB 2: readings, windows and anomaly scores over time."""

from typing import TYPE_CHECKING

from connectors.endpoints import INFLUXDB_PORT, LOOPBACK
from stack import influxd
from stack.errors import StackUnusable
from stack.secrets import INFLUXDB_PASSWORD, INFLUXDB_TOKEN, secret
from stack.server import NotYet, Server

if TYPE_CHECKING:
    import httpx


class InfluxDB(Server):
    """Set up through its API: organisation, bucket and a token that `secrets/` holds."""

    name = "influxdb"
    standard_ports = (INFLUXDB_PORT,)

    def command(self) -> list[str]:
        folder = self.layout.folder("influxdb")
        return [
            str(influxd.find()),
            f"--http-bind-address={LOOPBACK}:{self.layout.port(INFLUXDB_PORT)}",
            f"--bolt-path={folder}/influxd.bolt",
            f"--sqlite-path={folder}/influxd.sqlite",
            f"--engine-path={folder}/engine",
            "--reporting-disabled",
        ]

    def configure(self) -> None:
        secret(self.layout, INFLUXDB_TOKEN)

    def check(self) -> None:
        from connectors import http_clients

        try:
            http_clients.get_ok(f"{self.layout.endpoints.influxdb_url}/health", timeout_s=2)
        except http_clients.HttpUnavailable as error:
            raise NotYet(str(error)) from error

    def set_up(self) -> None:
        """Create organisation, bucket and token, unless they exist.

        Raises
        ------
        StackError
            When the stored data were set up with another token.
        """
        from connectors import http_clients

        token = secret(self.layout, INFLUXDB_TOKEN)
        headers = {"Authorization": f"Token {token}"}
        url = self.layout.endpoints.influxdb_url
        try:
            with http_clients.translated(), http_clients.http_client(url, timeout_s=20, headers=headers) as client:
                if client.get("/api/v2/setup").json()["allowed"]:
                    client.post("/api/v2/setup", json=self._first_setup(token)).raise_for_status()
                self._require_bucket(client)
        except http_clients.HttpUnavailable as error:
            raise NotYet(str(error)) from error

    def _first_setup(self, token: str) -> dict[str, object]:
        endpoints = self.layout.endpoints
        return {
            "username": "headrace",
            "password": secret(self.layout, INFLUXDB_PASSWORD),
            "org": endpoints.influxdb_org,
            "bucket": endpoints.influxdb_bucket,
            "retentionPeriodSeconds": 0,
            "token": token,
        }

    def _require_bucket(self, client: "httpx.Client") -> None:
        endpoints = self.layout.endpoints
        found = client.get("/api/v2/buckets", params={"name": endpoints.influxdb_bucket})
        if found.status_code == 401:
            raise StackUnusable(
                f"InfluxDB refuses the token in {self.layout.home}/secrets/{INFLUXDB_TOKEN}. "
                f"Put the old one back, or start empty:  rm -r {self.layout.home}/influxdb"
            )
        if not found.json().get("buckets"):
            organisations = client.get("/api/v2/orgs", params={"org": endpoints.influxdb_org}).raise_for_status()
            bucket = {"name": endpoints.influxdb_bucket, "orgID": organisations.json()["orgs"][0]["id"]}
            client.post("/api/v2/buckets", json=bucket | {"retentionRules": []}).raise_for_status()
