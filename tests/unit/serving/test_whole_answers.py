"""Head and body leave together."""

import asyncio
import socket

import pytest
import uvicorn

from serving.single_write_protocol import HeadKeepingTransport, SingleWriteProtocol

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"


class Written:
    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.closed = False

    def write(self, data) -> None:
        self.writes.append(data)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


@pytest.mark.parametrize(
    ("writes", "sent"),
    [
        ([HEAD, b"ok"], [HEAD + b"ok"]),
        ([HEAD, b""], [HEAD]),
        ([HEAD, b"ok", HEAD, b"ok"], [HEAD + b"ok"] * 2),
        ([b"HTTP/1.1 100 Continue\r\n\r\n"], [b"HTTP/1.1 100 Continue\r\n\r\n"]),
        ([HEAD, b"1\r\na\r\n", b"0\r\n\r\n"], [HEAD + b"1\r\na\r\n", b"0\r\n\r\n"]),
        ([b"HTTP/1.1 400 Bad Request\r\n\r\nInvalid"], [b"HTTP/1.1 400 Bad Request\r\n\r\nInvalid"]),
    ],
    ids=["an answer", "no body", "two answers", "continue", "parts", "a refusal"],
)
def test_a_head_waits_for_its_body_and_nothing_else_waits(writes, sent):
    written = Written()
    transport = HeadKeepingTransport(written)
    for data in writes:
        transport.write(data)
    assert written.writes == sent


def test_a_head_that_waits_is_sent_before_the_end():
    written = Written()
    transport = HeadKeepingTransport(written)
    transport.write(HEAD)
    transport.close()
    assert (written.writes, transport.is_closing()) == ([HEAD], True)


def test_a_server_answers_in_one_segment():
    """Of uvicorn as it is: another version may write in another way."""
    taken = []

    async def application(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        taken.append(len(connection.recv(100)) if _readable(connection) else 0)
        await send({"type": "http.response.body", "body": b"ok"})

    def _readable(connection):
        connection.settimeout(0.2)
        try:
            return bool(connection.recv(1, socket.MSG_PEEK))
        except TimeoutError:
            return False

    connection = socket.socket()

    async def run():
        nonlocal connection
        config = uvicorn.Config(application, http=SingleWriteProtocol, lifespan="off", log_config=None)
        config.load()
        listener = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server._serve([listener]))
        while not server.started:
            await asyncio.sleep(0.01)
        connection = socket.create_connection(listener.getsockname())
        connection.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        answer = await asyncio.to_thread(connection.recv, 1000)
        connection.close()
        server.should_exit = True
        await serving
        return answer

    answer = asyncio.run(asyncio.wait_for(run(), 20))
    assert taken == [0]
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"\r\n\r\nok")
