# /// script
# requires-python = ">=3.11"
# dependencies = ["pysparkplug==0.6.1"]
# ///
"""An edge node made of pysparkplug, which is nobody's of ours, and obeys one command a line.

    uv run --frozen --script sparkplug_edge_node.py PORT NODE {aliases|names}

In an environment of its own: it pins another paho and another protobuf than Headrace. `uv lock --script` of this file
renews its lock. With `names` the edge node is the library's own class, which names each metric in each message. With
`aliases` its messages are put together from the library's, as the specification wants those of a node with aliases.
"""

import sys
from collections.abc import Iterator
from itertools import count, cycle

from pysparkplug import (
    Client,
    DataType,
    DBirth,
    DData,
    DDeath,
    Device,
    EdgeNode,
    Message,
    MessageType,
    Metric,
    NBirth,
    NData,
    NDeath,
    QoS,
    Topic,
    get_current_timestamp,
)

GROUP, DEVICE = "plant", "arm 1"
REBIRTH = "Node Control/Rebirth"
FLOW, TORQUE, SPEED = 7, 8, 9


def say(word: str) -> None:
    print(word, flush=True)


def metric(name: str | None, data_type: DataType, value: object, alias: int | None = None) -> Metric:
    return Metric(timestamp=get_current_timestamp(), name=name, datatype=data_type, value=value, alias=alias)


class NodeWithAliases:
    """Answers a rebirth command with its births."""

    def __init__(self, node: str) -> None:
        self._node = node
        self._client = Client()
        self._bd_seq = metric("bdSeq", DataType.INT64, 4)
        self._seq: Iterator[int] = cycle(range(256))
        self._values = count()
        self._client.set_will(self._message(MessageType.NDEATH, NDeath(get_current_timestamp(), self._bd_seq)))
        command = Topic(message_type=MessageType.NCMD, group_id=GROUP, edge_node_id=node)
        self._client.subscribe(command, QoS.AT_LEAST_ONCE, lambda _client, message: self._obey(message))

    def connect(self, port: int) -> None:
        self._client.connect("127.0.0.1", port=port, callback=lambda _client: self._births("born"))

    def send(self, number: int) -> None:
        for _ in range(number):
            data = NData(get_current_timestamp(), next(self._seq), (self._measured(FLOW, next(self._values)),))
            self._publish(MessageType.NDATA, data)

    def send_device(self, number: int) -> None:
        data = DData(get_current_timestamp(), next(self._seq), (metric(None, DataType.INT16, -number, TORQUE),))
        self._publish(MessageType.DDATA, data, DEVICE)

    def lose(self, number: int) -> None:
        """As if messages had been lost on their way."""
        for _ in range(number):
            next(self._seq)

    def remove_device(self, _number: int) -> None:
        self._publish(MessageType.DDEATH, DDeath(get_current_timestamp(), next(self._seq)), DEVICE)

    def leave(self, _number: int) -> None:
        self._publish(MessageType.NDEATH, NDeath(get_current_timestamp(), self._bd_seq))
        self._client.disconnect()

    def _births(self, word: str) -> None:
        self._seq = cycle(range(256))
        metrics = (
            self._bd_seq, metric(REBIRTH, DataType.BOOLEAN, False, 1),
            metric("Flow", DataType.DOUBLE, -1.0, FLOW), metric("Mode", DataType.STRING, "auto"),
        )  # fmt: skip
        self._publish(MessageType.NBIRTH, NBirth(get_current_timestamp(), next(self._seq), metrics))
        device = (
            metric("Torque", DataType.INT16, -300, TORQUE),
            metric("Speed", DataType.UINT64, 2**63 + 2**11, SPEED),
        )
        self._publish(MessageType.DBIRTH, DBirth(get_current_timestamp(), next(self._seq), device), DEVICE)
        say(word)

    def _obey(self, message: Message) -> None:
        if any(each.name == REBIRTH and each.value is True for each in message.payload.metrics):
            self._births("reborn")

    @staticmethod
    def _measured(alias: int, value: float) -> Metric:
        return metric(None, DataType.DOUBLE, float(value), alias)

    def _message(self, kind: MessageType, payload: object, device: str | None = None) -> Message:
        topic = Topic(message_type=kind, group_id=GROUP, edge_node_id=self._node, device_id=device)
        return Message(topic=topic, payload=payload, qos=QoS.AT_MOST_ONCE, retain=False)

    def _publish(self, kind: MessageType, payload: object, device: str | None = None) -> None:
        self._client.publish(self._message(kind, payload, device))


class NodeWithNames:
    """The library's edge node."""

    def __init__(self, node: str) -> None:
        self._values = count()
        self._node = EdgeNode(GROUP, node, (metric("Flow", DataType.DOUBLE, -1.0),))
        self._node.register(Device(DEVICE, (metric("Torque", DataType.INT16, -300),)))

    def connect(self, port: int) -> None:
        self._node.connect("127.0.0.1", port=port)
        say("born")

    def send(self, number: int) -> None:
        for _ in range(number):
            self._node.update((metric("Flow", DataType.DOUBLE, float(next(self._values))),))

    def send_device(self, number: int) -> None:
        self._node.update_device(DEVICE, (metric("Torque", DataType.INT16, -number),))

    def remove_device(self, _number: int) -> None:
        self._node.deregister(DEVICE)

    def leave(self, _number: int) -> None:
        self._node.disconnect()


def main(port: str, node: str, kind: str) -> None:
    edge_node = NodeWithAliases(node) if kind == "aliases" else NodeWithNames(node)
    edge_node.connect(int(port))
    for line in sys.stdin:
        command, number = line.split()
        getattr(edge_node, command)(int(number))
        say(command)


if __name__ == "__main__":
    main(*sys.argv[1:])
