"""Where PostgreSQL and Kafka Connect are. Apart from `connectors.endpoints`: no job and no bridge needs to know."""

import os
from typing import Any

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from connectors.endpoints import CONNECT_PORT, LOOPBACK, POSTGRES_PORT, StackSettings, stored_secret


class CaptureEndpoints(BaseSettings):
    """Addresses and credentials. `load()` fills them from the environment, `local()` from a local stack."""

    model_config = SettingsConfigDict(env_prefix="HEADRACE_", frozen=True, extra="ignore")

    postgres_host: str
    postgres_port: int
    postgres_database: str
    postgres_user: str
    postgres_password: SecretStr | None = None
    connect: str = Field(description="address of Kafka Connect's REST API, host:port")

    @property
    def postgres_url(self) -> str:
        """With the password: for a client, never for a log."""
        secret = f":{self.postgres_password.get_secret_value()}" if self.postgres_password else ""
        host = f"{self.postgres_host}:{self.postgres_port}"
        return f"postgresql://{self.postgres_user}{secret}@{host}/{self.postgres_database}"

    @classmethod
    def load(cls) -> "CaptureEndpoints":
        """Those that the environment names, and for what it does not name, those of the local stack."""
        named = [name for name in cls.model_fields if f"HEADRACE_{name.upper()}" in os.environ]
        # Init arguments win over the environment in pydantic-settings, so leave out what the environment names.
        return cls(**{name: value for name, value in _local(StackSettings()).items() if name not in named})

    @classmethod
    def local(cls, stack: StackSettings) -> "CaptureEndpoints":
        """Those of that local stack, whatever the environment names."""
        return cls(**_local(stack))


def _local(stack: StackSettings) -> dict[str, Any]:
    return {
        "postgres_host": LOOPBACK,
        "postgres_port": POSTGRES_PORT + stack.port_offset,
        "postgres_database": "postgres",
        "postgres_user": "headrace",
        "postgres_password": stored_secret(stack.secrets / "postgres-password"),
        "connect": f"{LOOPBACK}:{CONNECT_PORT + stack.port_offset}",
    }
