"""Where PostgreSQL and Kafka Connect are. Apart from `connectors.endpoints`: no job and no bridge needs to know."""

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from connectors.endpoints import CONNECT_PORT, LOOPBACK, POSTGRES_PORT, StackSettings, stored_secret


class CaptureEndpoints(BaseModel):
    """Addresses and credentials. Change capture runs in local stacks alone so far: the environment names none."""

    model_config = ConfigDict(frozen=True)

    postgres_host: str = LOOPBACK
    postgres_port: int
    postgres_database: str = "postgres"
    postgres_user: str = "headrace"
    postgres_password: SecretStr | None = None
    connect: str = Field(description="address of Kafka Connect's REST API, host:port")

    @property
    def postgres_url(self) -> str:
        """With the password: for a client, never for a log."""
        secret = f":{self.postgres_password.get_secret_value()}" if self.postgres_password else ""
        host = f"{self.postgres_host}:{self.postgres_port}"
        return f"postgresql://{self.postgres_user}{secret}@{host}/{self.postgres_database}"

    @classmethod
    def local(cls, stack: StackSettings) -> "CaptureEndpoints":
        """Of that local stack."""
        return cls(
            postgres_port=POSTGRES_PORT + stack.port_offset,
            postgres_password=stored_secret(stack.secrets / "postgres-password"),
            connect=f"{LOOPBACK}:{CONNECT_PORT + stack.port_offset}",
        )
