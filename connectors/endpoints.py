"""Where the outside systems are: one settings object that every process of a system reads.

Order: an explicit variable (HEADRACE_KAFKA=host:port), else the local stack of HEADRACE_HOME at
HEADRACE_PORT_OFFSET. Secrets come from the environment, or from the stack's folder `secrets/`,
whose files only the owner reads.
"""

import os
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from schemas.setting import stated_default
from schemas.sources_file import SOURCES_FILE

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
LISTENER_MQTT_PORT = 11884
LISTENER_HTTP_PORT = 18088
LISTENER_PROBES_PORT = 19110
"""Of the first listener process; those of others follow. The other two ports are shared."""
POSTGRES_PORT = 15432
CONNECT_PORT = 18083
SERVING_PORT = 18000
"""Of HAProxy. The instances behind it have the ports that follow."""


def _port(port: int, address: str = "") -> dict[str, Any]:
    return stated_default(f"{address}{port}, the port plus HEADRACE_PORT_OFFSET")


class StackSettings(BaseSettings):
    """Which local stack is meant: its folder, and by how much its ports are moved."""

    READ_BY: ClassVar[str] = "the command line and every process of the local stack"
    model_config = SettingsConfigDict(env_prefix="HEADRACE_", frozen=True, extra="ignore")

    home: Path = Field(Path(".headrace"), description="Folder that holds all data, logs, secrets and models.")
    port_offset: int = Field(
        0,
        ge=0,
        le=40000,
        description="Number that is added to every port, so that several stacks can run side by side.",
    )
    sources: Path | None = Field(
        None,
        description="File that declares the sources: which MQTT topics are read, and how.",
        json_schema_extra=stated_default("sources.toml in the stack's folder; without the file the default source"),
    )

    attempts: Path | None = Field(
        None,
        description="Folder in which Python workers note what they process, to find the record that killed one. It "
        "must outlive a worker, on the same host; nothing is lost with it.",
        json_schema_extra=stated_default("run/attempts in the stack's folder"),
    )

    @property
    def attempts_folder(self) -> Path:
        """Where workers note what they process. It need not be there."""
        return self.attempts or self.home / "run" / "attempts"

    @property
    def sources_file(self) -> Path:
        """The file that declares the sources. It need not be there."""
        return self.sources or self.home / SOURCES_FILE

    @property
    def secrets(self) -> Path:
        return self.home / "secrets"


def moved_port(standard: int) -> dict[str, Any]:
    """What the fields of ports have in common that processes of the local stack listen on: arguments of `Field`."""
    return {
        "default_factory": lambda: standard + StackSettings().port_offset,
        "ge": 0,
        "le": 65535,
        "json_schema_extra": _port(standard),
    }


class Endpoints(BaseSettings):
    """Addresses and credentials of external systems. Without a variable, those of the local stack.

    `load()` fills in what the environment does not name.
    """

    READ_BY: ClassVar[str] = "the command line, the bridge, the jobs (when they are submitted) and the REST API"
    model_config = SettingsConfigDict(env_prefix="HEADRACE_", frozen=True, extra="ignore")

    mqtt_host: str = Field(description="Host of the MQTT broker.", json_schema_extra=stated_default(LOOPBACK))
    mqtt_port: int = Field(description="Port of the MQTT broker.", json_schema_extra=_port(MQTT_PORT))
    mqtt_user: str | None = Field(None, description="User at the MQTT broker.")
    mqtt_password: SecretStr | None = Field(
        None,
        description="Password of that user.",
        json_schema_extra=stated_default("the file mqtt-password in the stack's folder secrets, if it exists"),
    )
    mqtt_tls: bool = Field(False, description="Whether the connection to the MQTT broker is encrypted with TLS.")
    mqtt_ca_file: Path | None = Field(
        None,
        description="File with the certificates (PEM) that sign the MQTT broker's, if the system does not know them. "
        "Turns TLS on.",
    )
    kafka: str = Field(
        description="Bootstrap servers of Kafka, each as host:port, separated by commas.",
        json_schema_extra=_port(KAFKA_PORT, f"{LOOPBACK}:"),
    )
    redis_host: str = Field(description="Host of Redis.", json_schema_extra=stated_default(LOOPBACK))
    redis_port: int = Field(description="Port of Redis.", json_schema_extra=_port(REDIS_PORT))
    redis_password: SecretStr | None = Field(
        None,
        description="Password of Redis's default user.",
        json_schema_extra=stated_default("the file redis-password in the stack's folder secrets, if it exists"),
    )
    influxdb_url: str = Field(
        description="Address of InfluxDB 2, with http or https.",
        json_schema_extra=_port(INFLUXDB_PORT, f"http://{LOOPBACK}:"),
    )
    influxdb_org: str = Field("headrace", description="Organization of InfluxDB that owns the bucket.")
    influxdb_bucket: str = Field("telemetry", description="InfluxDB bucket that all points are written to.")
    influxdb_token: SecretStr | None = Field(
        None,
        description="InfluxDB token with read and write access to the bucket.",
        json_schema_extra=stated_default("the file influxdb-token in the stack's folder secrets, if it exists"),
    )
    flink: str = Field(
        description="Flink's REST API and dashboard, as host:port.",
        json_schema_extra=_port(FLINK_REST_PORT, f"{LOOPBACK}:"),
    )

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
        "mqtt_password": stored_secret(stack.secrets / "mqtt-password"),
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
