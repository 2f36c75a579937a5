"""Redis: the live state of devices, recommendations, churn risk."""

from pathlib import Path

from connectors.atomic_write import atomic_write_text
from connectors.endpoints import LOOPBACK, REDIS_PORT
from connectors.stores import StoreError
from stack import programs
from stack.secrets import REDIS_PASSWORD, secret
from stack.server import NotYet, Server

CONFIGURATION = """\
bind {host}
port {port}
dir {folder}
requirepass {password}
# A full Redis refuses writes, and the sink waits: evicting keys would lose state without a word.
maxmemory 256mb
maxmemory-policy noeviction
appendonly yes
appendfsync everysec
save ""
daemonize no
loglevel notice
"""


class Redis(Server):
    """The password stands in a configuration file that only the owner reads."""

    name = "redis"
    standard_ports = (REDIS_PORT,)
    ready_within_s = 60

    def configure(self) -> None:
        text = CONFIGURATION.format(
            host=LOOPBACK,
            port=self.layout.port(REDIS_PORT),
            folder=f'"{self.layout.folder("redis")}"',
            password=secret(self.layout, REDIS_PASSWORD),
        )
        atomic_write_text(self._configuration, text, mode=0o600)

    def command(self) -> list[str]:
        return [str(programs.find("redis-server")), str(self._configuration)]

    def check(self) -> None:
        from connectors.redis.clients import client_of, translated

        try:
            with translated(), client_of(self.layout.endpoints, timeout_s=2, connect_timeout_s=2) as client:
                client.ping()
        except StoreError as error:  # also while it loads its append-only file
            raise NotYet(str(error)) from error

    @property
    def _configuration(self) -> Path:
        return self.layout.home / "redis" / "redis.conf"
