"""Drills on who has the bridge's session at the MQTT broker."""

import subprocess
import sys
import threading

import paho.mqtt.client as mqtt

from connectors.kafka.bridge_sessions import bridge_sessions
from connectors.mqtt_bridge.exit_status import NO_RESTART_HELPS
from connectors.mqtt_bridge.settings import BridgeSettings
from connectors.mqtt_login import log_in
from drills.context import Context
from drills.drill import Drill, Protection
from drills.errors import NotPrepared
from drills.stream import MESSAGES_PER_S
from headrace.polling import wait_until

BRIDGE_AWAY_S = 5.0
CONNECTS_WITHIN_S = 30.0
MARGIN_S = 5.0
"""Beside the time that the bridge is away: it stops before and starts after."""
TWO_BRIDGES_S = 10.0
STOPS_WITHIN_S = 120.0


def steal_the_session_of_an_absent_bridge(context: Context) -> None:
    context.stop("bridge")
    context.hold(BRIDGE_AWAY_S)
    _connect_and_leave(context, BridgeSettings().client_id)
    context.announce("another client with its client id has connected, with clean start, and left")
    context.start("bridge")


def _connect_and_leave(context: Context, client_id: str) -> None:
    """As `mosquitto_pub -i CLIENT_ID` does: clean start is its default, and removes the session with its queue."""
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=client_id, protocol=mqtt.MQTTv5)
    connected = threading.Event()
    client.on_connect = lambda *_: connected.set()
    log_in(client, context.endpoints)
    client.connect(context.endpoints.mqtt_host, context.endpoints.mqtt_port, clean_start=True)
    client.loop_start()
    if not connected.wait(CONNECTS_WITHIN_S):
        raise NotPrepared(f"the MQTT broker did not answer within {CONNECTS_WITHIN_S:.0f} s: run the drill again")
    client.disconnect()
    client.loop_stop()


def the_loss_has_its_period(context: Context) -> list[str]:
    """Of the losses that the bridge has written down one covers every reading that is missing."""
    session = bridge_sessions(context.endpoints.kafka).get(BridgeSettings().client_id)
    if session is None or not session.losses:
        return ["the bridge has written down no loss of its session: the balance names no period"]
    loss = session.losses[-1]
    context.notes.append(f"The balance names a period of {(loss.until - loss.since) / 1000:.0f} s.")
    stored = context.committed.readings
    missing = [
        time_ms
        for device, times in context.stream.times.items()
        for time_ms in times
        if (device, time_ms) not in stored
    ]
    outside = [time_ms for time_ms in missing if not loss.since <= time_ms <= loss.until]
    return [f"{len(outside)} readings are missing outside of the period that the balance names"] if outside else []


def start_a_second_bridge(context: Context) -> None:
    environment = context.environment.layout.environment() | {"HEADRACE_BRIDGE_HTTP_PORT": "0"}
    command = [sys.executable, "-m", "connectors.mqtt_bridge"]
    second = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        context.announce("started a second bridge with the same client id")
        wait_until("the second bridge to stop", lambda: second.poll() is not None, STOPS_WITHIN_S)
        context.notes.append(f"The second bridge ended with exit status {second.returncode}.")
        context.flow(TWO_BRIDGES_S)
    finally:
        if second.poll() is None:
            second.kill()
        second.wait()
    if second.returncode != NO_RESTART_HELPS:
        raise NotPrepared(f"the second bridge ended with {second.returncode}, and not because of the first")


def the_first_bridge_goes_on(context: Context) -> list[str]:
    state = context.supervision.process("bridge")["statename"]
    return [] if state == "RUNNING" else [f"the first bridge is {state}"]


DRILLS = (
    Drill(
        name="session-stolen",
        breaks=f"While the bridge is away for {BRIDGE_AWAY_S:.0f} s another client connects with its client id and "
        "clean start, which deletes its session and queue at the MQTT broker.",
        protected_by=Protection(
            "connectors/mqtt_bridge/session_record.py",
            'self._lost("had lost our session", gap)',
            "the loss is counted, an alarm, and a period that the balance names",
        ),
        inject=steal_the_session_of_an_absent_bridge,
        seen_failing="left out: 665 of 1,945 readings are missing outside of any period that the balance names",
        check=the_loss_has_its_period,
        may_lose=int((BRIDGE_AWAY_S + MARGIN_S) * MESSAGES_PER_S),
        why_lost=(
            "MQTT lets whoever has the client id delete the session. Passwords and client ids that are bound to users "
            "prevent it (docs/how-to/operating.md); without them it is seen, and its period is known."
        ),
    ),
    Drill(
        name="two-bridges",
        breaks="A second bridge starts with the client id of the first.",
        protected_by=Protection(
            "connectors/mqtt_bridge/session_record.py",
            "if (rival.started, rival.instance) < (self._started_ms, self.instance):",
            "the one that started later stops, with an exit status after which supervisord leaves it down",
        ),
        inject=start_a_second_bridge,
        seen_failing="`if False:` in its place: it did not stop within 120 s, and 235 messages came again",
        check=the_first_bridge_goes_on,
    ),
)
