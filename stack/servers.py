"""All servers of a stack, in the order of the readiness display. `down` stops them in waves."""

from stack.bridge import Bridge
from stack.connect import Connect
from stack.corrector import Corrector
from stack.flink import JobManager, TaskManager
from stack.fork_server import ForkServer
from stack.haproxy import HAProxy
from stack.influxdb import InfluxDB
from stack.kafka import Kafka
from stack.layout import Layout
from stack.listener import LISTENERS
from stack.mosquitto import Mosquitto
from stack.postgres import Postgres
from stack.redis import Redis
from stack.server import Server
from stack.serving import INSTANCES
from stack.zookeeper import ZooKeeper

SERVERS: tuple[type[Server], ...] = (
    ZooKeeper, Kafka, Redis, InfluxDB, Mosquitto, ForkServer, JobManager, TaskManager, Bridge, Corrector,
    Postgres, Connect, *INSTANCES, HAProxy, *LISTENERS,
)  # fmt: skip
NAMES = tuple(server.name for server in SERVERS)

# What feeds Kafka first, so that nothing enters any more; the JobManager before the TaskManager, so that its jobs are
# suspended (ZooKeeper remembers them) and not seen failing; what the jobs write to after them.
STOP_WAVES = (
    ("bridge", "corrector", "connect", "haproxy", *(each.name for each in (*INSTANCES, *LISTENERS))),
    ("jobmanager",),
    ("taskmanager", "forkserver"),
    ("mosquitto", "redis", "influxdb", "kafka", "postgres"),
    ("zookeeper",),
)


def servers(layout: Layout) -> list[Server]:
    """Of this stack: all but the optional ones that it was not asked for."""
    return [server(layout) for server in SERVERS if not server.optional or server.name in layout.extras]
