"""Kafka: one broker in KRaft mode, the system of record between the stages."""

import base64
import shutil
import subprocess
import tempfile
import uuid
from pathlib import Path

from connectors.atomic_write import atomic_write_text
from connectors.endpoints import KAFKA_CONTROLLER_PORT, KAFKA_PORT, LOOPBACK
from schemas.topics import MAX_MESSAGE_BYTES
from stack import jars, programs
from stack.errors import BuildFailed, StackUnusable
from stack.server import NotYet, Server

CONFIGURATION = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller_port}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=PLAINTEXT://{host}:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={data}

# One broker.
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0

# A misspelt topic is an error, not a topic with the wrong settings.
auto.create.topics.enable=false
message.max.bytes={largest}
replica.fetch.max.bytes={largest}
# 24 h: a Flink cluster that is down for longer than a transaction lives loses that transaction's rows.
transaction.max.timeout.ms=86400000

# A small heap.
log.cleaner.dedupe.buffer.size=16777216
log.segment.bytes=134217728
num.network.threads=2
num.io.threads=4
"""
# Headers and framing of a record of the largest size.
FRAMING_BYTES = 64 * 1024


LOGGING = Path(__file__).with_name("log4j-kafka.properties")


def java(logging: Path) -> list[str]:
    """The beginning of a command line whose main class is one of Kafka's, or of Connect's.

    `logging` is a configuration of Log4j 2. Without one that exists, Log4j writes errors only.
    """
    return [
        str(programs.find("java")), f"-Dlog4j2.configurationFile={logging}", "-cp", f"{jars.folder() / 'kafka'}/*",
    ]  # fmt: skip


class Kafka(Server):
    """Formatted once, into a folder beside, then renamed: a killed `up` leaves no half-formatted disk."""

    name = "kafka"
    standard_ports = (KAFKA_PORT, KAFKA_CONTROLLER_PORT)
    ready_within_s = 150
    stop_within_s = 40

    def configure(self) -> None:
        self._write_configuration(self._configuration, self._data)

    def before_start(self) -> None:
        if not (self._data / "meta.properties").is_file():
            self._format()

    def command(self) -> list[str]:
        heap = ["-Xms128m", "-Xmx512m", "-XX:+ExitOnOutOfMemoryError"]
        return [*java(LOGGING), *heap, "kafka.Kafka", str(self._configuration)]

    def check(self) -> None:
        from connectors.kafka import clients

        if not clients.ready(self.layout.endpoints.kafka):
            raise NotYet("the broker does not answer")

    def set_up(self) -> None:
        from connectors.kafka import clients
        from connectors.kafka.topic_settings import TopicSettings

        try:
            clients.create_topics(self.layout.endpoints.kafka, TopicSettings().topics())
        except clients.KafkaClientError as error:
            raise NotYet(str(error)) from error

    def _format(self) -> None:
        self._remove_half_formatted()
        # A name of its own: a format that outlives a killed `up` then writes where nobody looks.
        partial = Path(tempfile.mkdtemp(dir=self.layout.folder("kafka"), prefix="partial-"))
        configuration = partial.with_suffix(".properties")
        self._write_configuration(configuration, partial)
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        # With "=", because one identifier of 64 begins with "-" and would be read as an option.
        format_ = ["kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "--config", str(configuration)]
        done = subprocess.run([*java(LOGGING), *format_], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise BuildFailed(f"Kafka could not format {self._data}: {programs.last_line(done.stdout)}")
        partial.rename(self._data)
        configuration.unlink()

    def _remove_half_formatted(self) -> None:
        """Remove the data folder of a format that did not finish.

        Raises
        ------
        StackError
            When the folder holds records. A person has to decide about those.
        """
        if any(self._data.glob("*-[0-9]*/*.log")):
            raise StackUnusable(
                f"{self._data} holds records, and lacks meta.properties: Kafka cannot read it. "
                f"Put the file back, or start empty:  rm -r {self._data}"
            )
        shutil.rmtree(self._data, ignore_errors=True)
        for partial in self._data.parent.glob("partial-*"):
            shutil.rmtree(partial) if partial.is_dir() else partial.unlink()

    def _write_configuration(self, path: Path, data: Path) -> None:
        text = CONFIGURATION.format(
            host=LOOPBACK,
            port=self.layout.port(KAFKA_PORT),
            controller_port=self.layout.port(KAFKA_CONTROLLER_PORT),
            data=data,
            largest=MAX_MESSAGE_BYTES + FRAMING_BYTES,
        )
        atomic_write_text(path, text)

    @property
    def _data(self) -> Path:
        return self.layout.home / "kafka" / "data"

    @property
    def _configuration(self) -> Path:
        return self.layout.folder("kafka") / "server.properties"
