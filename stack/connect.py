"""Kafka Connect with Debezium: changes of PostgreSQL's tables as records. Only with `headrace up --with`."""

import logging
import shutil
from pathlib import Path

from connectors.atomic_write import atomic_write_text
from connectors.endpoints import CONNECT_PORT, LOOPBACK
from stack import jars
from stack.errors import StackUnusable
from stack.kafka import java
from stack.layout import Layout
from stack.secrets import POSTGRES_PASSWORD, secret
from stack.server import NotYet, Server

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
LOGGING = Path(__file__).with_name("log4j-connect.properties")
SECRETS = "connect.properties"
REFRESH_WITHIN_S = 30.0

log = logging.getLogger(__name__)


class Connect(Server):
    """Ready when its connector runs."""

    name = "connect"
    optional = True
    after = ("kafka", "postgres")
    standard_ports = (CONNECT_PORT,)
    ready_within_s = 150
    stop_within_s = 30
    _failed = False
    """Whether its task was found failed on a record during this set-up."""

    def configure(self) -> None:
        self._link_plugins()
        atomic_write_text(self._secrets, f"postgres={secret(self.layout, POSTGRES_PASSWORD)}\n", mode=0o600)
        text = CONFIGURATION.format(
            kafka=self.layout.endpoints.kafka,
            host=LOOPBACK,
            port=self.layout.port(CONNECT_PORT),
            plugins=self.layout.folder("connect", "plugins"),
            secrets=self._secrets.parent,
        )
        atomic_write_text(self._configuration, text)

    def command(self) -> list[str]:
        heap = ["-Xmx256m", "-XX:+ExitOnOutOfMemoryError"]
        return [*java(LOGGING), *heap, "org.apache.kafka.connect.cli.ConnectDistributed", str(self._configuration)]

    def check(self) -> None:
        """Also once it is registered: a task that failed is no working connector."""
        from connectors.postgres_cdc import ConnectUnavailable, connector

        try:
            connector.state(self.layout.capture)
        except ConnectUnavailable as error:
            raise NotYet(str(error)) from error

    def set_up(self) -> None:
        from connectors.postgres_cdc import (
            CaptureError,
            ConnectorRefused,
            DatabaseRefuses,
            NotCaughtUp,
            RowsNotRead,
            repair,
        )
        from connectors.postgres_cdc.inspection import next_of_failure

        endpoints = self.layout.capture
        try:
            found = repair.start_connector(endpoints, password_for_connect(self.layout))
            if found.failed_on_record:
                # A restart runs for a moment before it reads the record again; new settings may have helped.
                if self._failed:
                    raise StackUnusable(f"Changes are not captured: {found.trace}. Next: {next_of_failure(found)}")
                self._failed = True
            if not found.runs:
                raise NotYet(f"the connector is {found.connector}, its task {found.task}. {found.trace}")
            # What is not done in time, as behind a long snapshot, stays noted and is an alarm of `headrace status`.
            try:
                repair.refresh(endpoints, self.layout.endpoints.kafka, REFRESH_WITHIN_S, log.info, prove=self._failed)
            except (NotCaughtUp, RowsNotRead) as error:
                if self._failed:
                    raise NotYet(str(error)) from error
        except ConnectorRefused as error:
            raise StackUnusable(f"Kafka Connect refuses the connector: {error}") from error
        except DatabaseRefuses as error:
            raise StackUnusable(f"Changes are not captured. {error}. Correct that, then:  headrace up") from error
        except CaptureError as error:
            raise NotYet(str(error)) from error

    def _link_plugins(self) -> None:
        plugins = self.layout.folder("connect", "plugins") / "debezium"
        shutil.rmtree(plugins, ignore_errors=True)
        plugins.mkdir()
        for jar in (jars.folder() / "debezium").glob("*.jar"):
            (plugins / jar.name).symlink_to(jar)

    @property
    def _secrets(self) -> Path:
        return _secrets_of(self.layout)

    @property
    def _configuration(self) -> Path:
        return self.layout.folder("connect") / "worker.properties"


def password_for_connect(layout: Layout) -> str:
    """What Connect resolves to PostgreSQL's password."""
    return f"${{file:{_secrets_of(layout)}:postgres}}"


def _secrets_of(layout: Layout) -> Path:
    return layout.home / "secrets" / SECRETS
