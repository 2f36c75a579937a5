"""ZooKeeper of Flink's distribution: how a restarted JobManager finds its jobs."""

import socket

from connectors.atomic_write import atomic_write_text
from connectors.endpoints import LOOPBACK, ZOOKEEPER_PORT
from stack import flink_distribution
from stack.server import NotYet, Server

CONFIGURATION = """\
tickTime=2000
dataDir={folder}
clientPort={port}
clientPortAddress={host}
admin.enableServer=false
4lw.commands.whitelist=ruok
autopurge.snapRetainCount=3
autopurge.purgeInterval=1
# One server: FlinkZooKeeperQuorumPeer wants the line, and opens neither of the two ports.
server.1={host}:1:2
"""


class ZooKeeper(Server):
    """ZooKeeper, for the high availability of Flink's JobManager."""

    name = "zookeeper"
    standard_ports = (ZOOKEEPER_PORT,)

    def configure(self) -> None:
        folder = self.layout.folder("zookeeper")
        port = self.layout.port(ZOOKEEPER_PORT)
        atomic_write_text(folder / "zoo.cfg", CONFIGURATION.format(folder=folder, host=LOOPBACK, port=port))

    def command(self) -> list[str]:
        # Flink's zookeeper.sh would stay as a shell between supervisord and Java; this is the line it runs.
        arguments = ["--zkConfigFile", str(self.layout.home / "zookeeper" / "zoo.cfg"), "--peerId", "1"]
        return [*flink_distribution.script("flink-console.sh"), "zookeeper", *arguments]

    def environment(self) -> dict[str, str]:
        return flink_distribution.environment(self.layout, self.name) | {"JVM_ARGS": "-Xmx96m -XX:+UseSerialGC"}

    def check(self) -> None:
        with socket.create_connection((LOOPBACK, self.layout.port(ZOOKEEPER_PORT)), timeout=2) as connection:
            connection.sendall(b"ruok")
            answer = connection.recv(4)
        if answer != b"imok":
            raise NotYet(f"it answers ruok with {answer!r}")
