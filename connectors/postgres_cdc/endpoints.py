"""Where PostgreSQL and Kafka Connect are. Apart from `connectors.endpoints`: no job and no bridge needs to know."""

import os
from typing import Any, ClassVar

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from connectors.endpoints import CONNECT_PORT, LOOPBACK, POSTGRES_PORT, StackSettings, stored_secret
from schemas.setting import stated_default


class CaptureEndpoints(BaseSettings):
    """Addresses and credentials of PostgreSQL and Kafka Connect. Without a variable, those of the local stack.

    `load()` fills them from the environment, `local()` from a local stack.
    """

    READ_BY: ClassVar[str] = "the command line, and the container role `capture`"
    model_config = SettingsConfigDict(env_prefix="HEADRACE_", frozen=True, extra="ignore")

    postgres_host: str = Field(description="Host of PostgreSQL.", json_schema_extra=stated_default(LOOPBACK))
    postgres_port: int = Field(
        description="Port of PostgreSQL.",
        json_schema_extra=stated_default(f"{POSTGRES_PORT}, the port plus HEADRACE_PORT_OFFSET"),
    )
    postgres_database: str = Field(
        description="Database whose tables are captured.", json_schema_extra=stated_default("postgres")
    )
    postgres_user: str = Field(
        description="User that creates the publication and reads changes.", json_schema_extra=stated_default("headrace")
    )
    postgres_password: SecretStr | None = Field(
        None,
        description="Password of that user.",
        json_schema_extra=stated_default("the file postgres-password in the stack's folder secrets, if it exists"),
    )
    connect: str = Field(
        description="Kafka Connect's REST API, as host:port.",
        json_schema_extra=stated_default(f"{LOOPBACK}:{CONNECT_PORT}, the port plus HEADRACE_PORT_OFFSET"),
    )

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
