"""Drills on what carries the messages: Kafka and the MQTT broker."""

from drills.context import Context
from drills.drill import Drill, Protection
from drills.small_disk import fill, on_a_small_disk, why_no_mount

UNREACHABLE_S = 30.0
WINDOW_FILLS_S = 3.0
BRIDGE_AWAY_S = 10.0

KEPT_UNTIL_STORED = Protection(
    "connectors/mqtt_bridge/acknowledgements.py",
    "while waiting and waiting[0][2].is_done:",
    "only what Kafka has confirmed is acknowledged, so that a record the producer gives up comes again",
)


def restart_kafka(context: Context) -> None:
    context.stop("kafka")
    context.start("kafka")


def freeze_kafka(context: Context) -> None:
    with context.frozen("kafka"):
        context.hold(UNREACHABLE_S)


def kill_the_bridge_and_kafka(context: Context) -> None:
    context.kill_together("bridge", "kafka")


def fill_the_disk_of_the_mqtt_broker(context: Context) -> None:
    with on_a_small_disk(context, "mosquitto") as folder:
        filler = fill(folder)
        context.announce("filled the disk under the MQTT broker to the last byte")
        context.stop("bridge")
        context.hold(BRIDGE_AWAY_S)
        filler.unlink()
        context.announce("there is room again")
        context.start("bridge")


def restart_the_mqtt_broker_while_the_bridge_is_away(context: Context) -> None:
    context.stop("bridge")
    context.hold(BRIDGE_AWAY_S)
    context.stop("mosquitto")
    context.start("mosquitto")
    context.start("bridge")


def kill_the_mqtt_broker_with_a_full_window(context: Context) -> None:
    with context.frozen("kafka"):
        context.hold(WINDOW_FILLS_S)
        context.kill("mosquitto")
    context.environment.wait_until_ready("mosquitto")


def kill_the_mqtt_broker_while_the_bridge_is_away(context: Context) -> None:
    context.stop("bridge")
    context.hold(BRIDGE_AWAY_S)
    context.kill("mosquitto")
    context.environment.wait_until_ready("mosquitto")
    context.start("bridge")


DRILLS = (
    Drill(
        name="kafka-restarted",
        breaks="Kafka is stopped and started again.",
        protected_by=KEPT_UNTIL_STORED,
        inject=restart_kafka,
        seen_failing="`while waiting:` in its place, and a delivery timeout of 5 s: 6,982 of 7,793 readings lost, "
        "and no recovery",
    ),
    Drill(
        name="kafka-unreachable",
        breaks=f"Kafka is frozen for {UNREACHABLE_S:.0f} s: connections stand and nobody answers.",
        protected_by=KEPT_UNTIL_STORED,
        inject=freeze_kafka,
        seen_failing="`while waiting:` in its place, and a delivery timeout of 5 s: 12,011 of 12,874 readings "
        "lost, and no recovery",
    ),
    Drill(
        name="bridge-and-kafka-killed",
        breaks="The bridge and Kafka are killed with -9 at the same time.",
        protected_by=KEPT_UNTIL_STORED,
        inject=kill_the_bridge_and_kafka,
    ),
    Drill(
        name="mqtt-disk-full",
        breaks=f"The disk under the MQTT broker is full while it holds {BRIDGE_AWAY_S:.0f} s of messages for an absent "
        "bridge.",
        protected_by=Protection(
            "stack/mosquitto.py", "persistence true", "the queue is written when there is room again"
        ),
        inject=fill_the_disk_of_the_mqtt_broker,
        impossible=why_no_mount,
    ),
    Drill(
        name="mqtt-restarted",
        breaks=f"The MQTT broker is restarted while it holds {BRIDGE_AWAY_S:.0f} s of messages for an absent bridge.",
        protected_by=Protection("stack/mosquitto.py", "persistence true", "the queue of an absent bridge is on disk"),
        inject=restart_the_mqtt_broker_while_the_bridge_is_away,
        seen_failing="`persistence false`: 1,180 of 2,450 readings lost everywhere",
    ),
    Drill(
        name="mqtt-killed",
        breaks=f"The MQTT broker is killed with -9 while {WINDOW_FILLS_S:.0f} s of messages wait in the window of a "
        "connected bridge for Kafka.",
        protected_by=Protection(
            "connectors/mqtt_bridge/settings.py",
            "max_inflight: int = Field(1000",
            "what the broker has acknowledged is with a connected bridge already, as far as its window reaches",
        ),
        inject=kill_the_mqtt_broker_with_a_full_window,
        seen_failing="20 in its place, so that the broker holds what waits for Kafka: 16 of 1,551 readings lost",
    ),
    Drill(
        name="mqtt-killed-with-a-queue",
        breaks="The MQTT broker is killed with -9 while it holds messages for an absent bridge.",
        protected_by=Protection(
            "stack/mosquitto.py", "autosave_interval 100", "the queue is saved after so many changes"
        ),
        inject=kill_the_mqtt_broker_while_the_bridge_is_away,
        seen_failing="100,000 in its place: 1,225 of 2,827 readings lost, and not 100 at most",
        may_lose=100,
        why_lost=(
            "Mosquitto acknowledges a message first and saves it later, after 100 changes. Saving after each still "
            "lost the one being saved, and took 413 messages a second instead of 2,715 (10 publishers, 20,000 "
            "messages of 125 bytes, 2 cores). A connected bridge leaves no queue: see `mqtt-killed`."
        ),
    ),
)
