"""A process of the stack reaches the others past a proxy that its environment names."""

import subprocess
import sys
from concurrent import futures

import grpc

from stack.layout import Layout

PROXY_EXCEPTIONS = ("no_proxy", "NO_PROXY", "no_grpc_proxy")
CALLS_A_WORKER = """
import sys, grpc
try:
    grpc.channel_ready_future(grpc.insecure_channel(f"localhost:{sys.argv[1]}")).result(20)
except grpc.FutureTimeoutError:
    sys.exit("not reached")
"""


def test_grpc_of_a_stack_s_process_goes_past_a_proxy(tmp_path, monkeypatch):
    """As Flink's Python workers speak to it: with no_proxy unset, the channel would go to the proxy."""
    server = grpc.server(futures.ThreadPoolExecutor(1))
    port = server.add_insecure_port("localhost:0")
    server.start()
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    for name in PROXY_EXCEPTIONS:
        monkeypatch.delenv(name, raising=False)
    try:
        command = [sys.executable, "-c", CALLS_A_WORKER, str(port)]
        done = subprocess.run(command, env=Layout(tmp_path, 5).environment(), capture_output=True, text=True)
    finally:
        server.stop(None)
    assert done.returncode == 0, done.stderr
