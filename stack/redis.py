"""Redis: the live state of devices, recommendations, churn risk."""

from pathlib import Path

from connectors.atomic_write import atomic_write_text
from connectors.endpoints import LOOPBACK, REDIS_PORT
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
        import redis

        client = redis.Redis.from_url(self.layout.endpoints.redis_url, socket_timeout=2, socket_connect_timeout=2)
        try:
            client.ping()
        except redis.RedisError as error:  # also while it loads its append-only file
            raise NotYet(str(error)) from error
        finally:
            client.close()

    @property
    def _configuration(self) -> Path:
        return self.layout.home / "redis" / "redis.conf"
