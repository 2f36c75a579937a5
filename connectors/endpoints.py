"""Where the outside systems are: one settings object that every process of a system reads.

Order: an explicit variable (HEADRACE_KAFKA=host:port), else the local stack of HEADRACE_HOME at
HEADRACE_PORT_OFFSET. Secrets come from the environment, or from the stack's folder `secrets/`,
whose files only the owner reads.
"""

import os
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

LOOPBACK = "127.0.0.1"

# Standard ports plus 10,000: a Redis or Mosquitto of the machine's own stays out of the way.
MQTT_PORT = 11883
KAFKA_PORT = 19092
KAFKA_CONTROLLER_PORT = 19093
REDIS_PORT = 16379
INFLUXDB_PORT = 18086
FLINK_REST_PORT = 18081
FLINK_RPC_PORT = 16123
FLINK_METRICS_PORT = 19249
ZOOKEEPER_PORT = 12181
BRIDGE_HTTP_PORT = 19100
POSTGRES_PORT = 15432
CONNECT_PORT = 18083
SERVING_PORT = 18000
"""Of HAProxy. The instances behind it have the ports that follow."""


class StackSettings(BaseSettings):
    """Which local stack: its folder and how far its ports are moved (HEADRACE_HOME, HEADRACE_PORT_OFFSET)."""

    model_config = SettingsConfigDict(env_prefix="HEADRACE_", frozen=True, extra="ignore")

    home: Path = Field(Path(".headrace"), description="folder that holds all state of the stack")
    port_offset: int = Field(0, ge=0, le=40000, description="added to every port")

    @property
    def secrets(self) -> Path:
        return self.home / "secrets"


class Endpoints(BaseSettings):
    """Addresses and credentials of the outside systems. `load()` fills them from the local stack."""

    model_config = SettingsConfigDict(env_prefix="HEADRACE_", frozen=True, extra="ignore")

    mqtt_host: str
    mqtt_port: int
    kafka: str = Field(description="bootstrap servers, host:port")
    redis_host: str
    redis_port: int
    redis_password: SecretStr | None = None
    influxdb_url: str
    influxdb_org: str = "headrace"
    influxdb_bucket: str = "telemetry"
    influxdb_token: SecretStr | None = None
    flink: str = Field(description="address of the REST API and dashboard, host:port")

    @property
    def redis_url(self) -> str:
        """With the password: for a client, never for a log."""
        secret = f"default:{self.redis_password.get_secret_value()}@" if self.redis_password else ""
        return f"redis://{secret}{self.redis_host}:{self.redis_port}/0"

    @classmethod
    def load(cls, stack: StackSettings | None = None) -> "Endpoints":
        """Endpoints of the environment, and for what it does not name, of the local stack."""
        named = [name for name in cls.model_fields if f"HEADRACE_{name.upper()}" in os.environ]
        # Init arguments win over the environment in pydantic-settings, so leave out what the environment names.
        return cls(**{name: value for name, value in _local(stack or StackSettings()).items() if name not in named})

    @classmethod
    def local(cls, stack: StackSettings) -> "Endpoints":
        """Endpoints of that local stack, whatever the environment names."""
        return cls(**_local(stack))


def _local(stack: StackSettings) -> dict[str, Any]:
    offset = stack.port_offset
    return {
        "mqtt_host": LOOPBACK,
        "mqtt_port": MQTT_PORT + offset,
        "kafka": f"{LOOPBACK}:{KAFKA_PORT + offset}",
        "redis_host": LOOPBACK,
        "redis_port": REDIS_PORT + offset,
        "redis_password": stored_secret(stack.secrets / "redis-password"),
        "influxdb_url": f"http://{LOOPBACK}:{INFLUXDB_PORT + offset}",
        "influxdb_token": stored_secret(stack.secrets / "influxdb-token"),
        "flink": f"{LOOPBACK}:{FLINK_REST_PORT + offset}",
    }


def stored_secret(path: Path) -> SecretStr | None:
    """Of a file that only its owner reads; None without it."""
    return SecretStr(path.read_text().strip()) if path.is_file() else None
