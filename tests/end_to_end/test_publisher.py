"""What `headrace publish` is told by an MQTT broker, at a real Mosquitto of the test's own. No stack is needed."""

import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr

from bench.free_port import free_port
from connectors.endpoints import Endpoints, StackSettings
from headrace.publisher import MqttRefuses, MqttUnavailable, Publisher
from tests.mosquitto_server import ANYBODY, MosquittoServer

pytestmark = pytest.mark.end_to_end

USERS = "allow_anonymous false\npassword_file {folder}/passwords\nacl_file {folder}/rights\n"
RIGHTS = "user ada\ntopic write fleet/+/telemetry\n"


def endpoints(port: int, user: str | None = None, password: str | None = None, **more: object) -> Endpoints:
    secret = None if password is None else SecretStr(password)
    found = {"mqtt_port": port, "mqtt_user": user, "mqtt_password": secret, **more}
    return Endpoints.local(StackSettings()).model_copy(update=found)


@contextmanager
def mosquitto(folder: Path, more: str = ANYBODY) -> Iterator[MosquittoServer]:
    broker = MosquittoServer(folder, more.format(folder=folder))
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[MosquittoServer]:
    """Knows ada, who may publish telemetry and nothing else."""
    passwords = tmp_path / "passwords"
    passwords.touch(mode=0o600)
    subprocess.run(["mosquitto_passwd", "-b", str(passwords), "ada", "right"], check=True, capture_output=True)
    rights = tmp_path / "rights"
    rights.write_text(RIGHTS)
    rights.chmod(0o600)
    with mosquitto(tmp_path, USERS) as broker:
        yield broker


def test_a_user_that_the_broker_knows_publishes(broker: MosquittoServer) -> None:
    publisher = Publisher(endpoints(broker.port, "ada", "right"))
    for number in range(100):
        publisher.publish("pump", b"%d" % number)
    publisher.close()
    assert publisher.acknowledged == 100


@pytest.mark.parametrize(
    ("user", "password", "who"), [("ada", "wrong", "the user ada"), (None, None, "clients without a user")]
)
def test_who_is_not_let_in_is_told_at_once(
    broker: MosquittoServer, user: str | None, password: str | None, who: str
) -> None:
    with pytest.raises(MqttRefuses, match=f"does not let {who} in .*Set HEADRACE_MQTT_USER"):
        Publisher(endpoints(broker.port, user, password))


def test_a_topic_that_the_user_may_not_publish_to_is_no_acknowledgement(broker: MosquittoServer) -> None:
    publisher = Publisher(endpoints(broker.port, "ada", "right"))
    publisher.publish("pump", b"1", topic="plant/4")
    with pytest.raises(MqttRefuses, match="Let the user ada publish"):
        publisher.close()
    assert publisher.acknowledged == 0


def test_a_port_on_which_nobody_listens_says_so() -> None:
    with pytest.raises(MqttUnavailable, match=r"No MQTT broker listens .*headrace up"):
        Publisher(endpoints(free_port()))


def test_a_host_that_nobody_knows_is_named() -> None:
    with pytest.raises(MqttUnavailable, match=r"The host no\.such\.host\.invalid is not known"):
        Publisher(endpoints(1883, mqtt_host="no.such.host.invalid"))


def test_a_server_that_is_no_broker_is_named() -> None:
    told = pytest.raises(MqttUnavailable, match="does not answer as an MQTT broker does")
    with socket.create_server(("127.0.0.1", 0)) as silent, told:
        Publisher(endpoints(silent.getsockname()[1]), answers_within_s=0.5)


def test_tls_at_a_broker_without_it_says_so(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as plain, pytest.raises((MqttRefuses, MqttUnavailable), match="HEADRACE_MQTT_PORT"):
        Publisher(endpoints(plain.port, mqtt_tls=True))


def test_a_broker_that_stops_and_comes_back_is_given_the_rest(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as server:
        publisher = Publisher(endpoints(server.port))
        publisher.publish("pump", b"1")
        server.stop()
        for number in range(100):
            publisher.publish("pump", b"%d" % number)
        starting = threading.Thread(target=server.start)
        starting.start()
        publisher.close()
        starting.join()
        assert publisher.acknowledged == 101
