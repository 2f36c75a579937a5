"""Kafka Connect with Debezium: changes of PostgreSQL's tables as records. Only with `headrace up --with`."""

import shutil
from pathlib import Path

from connectors.endpoints import CONNECT_PORT, LOOPBACK
from connectors.whole_files import write_whole
from headrace.errors import StackError
from headrace.stack import jars
from headrace.stack.kafka import java
from headrace.stack.secrets import POSTGRES_PASSWORD, secret
from headrace.stack.server import NotYet, Server

CONFIGURATION = """\
bootstrap.servers={kafka}
group.id=headrace-connect
listeners=http://{host}:{port}
rest.advertised.host.name={host}
plugin.path={plugins}
plugin.discovery=SERVICE_LOAD
key.converter=org.apache.kafka.connect.storage.StringConverter
value.converter=org.apache.kafka.connect.json.JsonConverter
value.converter.schemas.enable=false

# A source's records and its offsets are one transaction.
exactly.once.source.support=enabled
config.storage.topic=connect.configs
offset.storage.topic=connect.offsets
status.storage.topic=connect.status
config.storage.replication.factor=1
offset.storage.replication.factor=1
status.storage.replication.factor=1
offset.storage.partitions=1
status.storage.partitions=1

# A connector's configuration is for everybody to read, over REST and in its topic. Passwords are named, not written.
config.providers=file
config.providers.file.class=org.apache.kafka.common.config.provider.FileConfigProvider
config.providers.file.param.allowed.paths={secrets}

# Of one worker: it takes its connectors at once.
scheduled.rebalance.max.delay.ms=0
"""
SECRETS = "connect.properties"


class Connect(Server):
    """Ready when its connector runs."""

    name = "connect"
    optional = True
    after = ("kafka", "postgres")
    standard_ports = (CONNECT_PORT,)
    ready_within_s = 150
    stop_within_s = 30

    def configure(self) -> None:
        self._link_plugins()
        write_whole(self._secrets, f"postgres={secret(self.layout, POSTGRES_PASSWORD)}\n", mode=0o600)
        text = CONFIGURATION.format(
            kafka=self.layout.endpoints.kafka,
            host=LOOPBACK,
            port=self.layout.port(CONNECT_PORT),
            plugins=self.layout.folder("connect", "plugins"),
            secrets=self._secrets.parent,
        )
        write_whole(self._configuration, text)

    def command(self) -> list[str]:
        heap = ["-Xmx256m", "-XX:+ExitOnOutOfMemoryError"]
        return [*java(), *heap, "org.apache.kafka.connect.cli.ConnectDistributed", str(self._configuration)]

    def check(self) -> None:
        """Also once it is registered: a task that failed is no working connector."""
        from connectors.cdc import ConnectAway, connector

        try:
            connector.state(self.layout.capture)
        except ConnectAway as error:
            raise NotYet(str(error)) from error

    def set_up(self) -> None:
        from connectors.cdc import ConnectAway, ConnectorRefused, connector

        endpoints = self.layout.capture
        try:
            connector.register(endpoints, f"${{file:{self._secrets}:postgres}}")
            found = connector.state(endpoints)
            if "FAILED" in (found.connector, found.task):
                connector.restart(endpoints)
        except ConnectAway as error:
            raise NotYet(str(error)) from error
        except ConnectorRefused as error:
            raise StackError(f"Kafka Connect refuses the connector: {error}") from error
        if not found.runs:
            raise NotYet(f"the connector is {found.connector}, its task {found.task}. {found.trace}")

    def _link_plugins(self) -> None:
        plugins = self.layout.folder("connect", "plugins") / "debezium"
        shutil.rmtree(plugins, ignore_errors=True)
        plugins.mkdir()
        for jar in (jars.folder() / "debezium").glob("*.jar"):
            (plugins / jar.name).symlink_to(jar)

    @property
    def _secrets(self) -> Path:
        return self.layout.home / "secrets" / SECRETS

    @property
    def _configuration(self) -> Path:
        return self.layout.folder("connect") / "worker.properties"
