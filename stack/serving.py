"""Instances of the REST API (package serving). Only with `headrace up --with serving`, or `serving=2` and more."""

import sys
from collections.abc import Sequence
from importlib.util import find_spec
from typing import ClassVar

from connectors.endpoints import LOOPBACK, SERVING_PORT
from stack.errors import MissingProgram
from stack.pseudonym_key import require_key
from stack.secrets import SERVING_KEY, secret
from stack.server import NotYet, Server

MAX_INSTANCES = 4
PACKAGES = ("fastapi", "uvicorn", "httptools", "uvloop", "hiredis", "fastapi_offline")


class Serving(Server):
    """One instance. Ready when Redis has answered it, and Kafka takes interactions."""

    number: ClassVar[int]
    optional = True
    after = ("kafka", "redis")
    ready_within_s = 60

    def configure(self) -> None:
        secret(self.layout, SERVING_KEY)
        require_key(self.layout)

    def command(self) -> list[str]:
        require_serving_extra()
        return [sys.executable, "-m", "serving"]

    def environment(self) -> dict[str, str]:
        return {"HEADRACE_SERVING_PORT": str(self.layout.port(SERVING_PORT + self.number))}

    def check(self) -> None:
        require_ready(self.layout.port(SERVING_PORT + self.number))


def require_ready(port: int) -> None:
    """Check that /readyz reports an instance that is ready and lacks nothing.

    Raises
    ------
    NotYet
        When it does not.
    """
    from connectors import http_clients

    try:
        answer = http_clients.get(f"http://{LOOPBACK}:{port}/readyz", timeout_s=2)
    except http_clients.HttpUnavailable as error:
        raise NotYet(str(error)) from error
    if answer.text != "ready\n":
        raise NotYet(answer.text.strip()[:200] or f"/readyz answers {answer.status_code}")


def require_serving_extra(packages: Sequence[str] = PACKAGES) -> None:
    """Nothing, where all packages can be imported; else raises MissingProgram."""
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        raise MissingProgram(f"Serving needs {', '.join(missing)}. Install what it needs:  uv sync --extra serving")


def _instance(number: int) -> type[Serving]:
    named = {"name": f"serving-{number}", "number": number, "standard_ports": (SERVING_PORT + number,)}
    return type(f"Serving{number}", (Serving,), named)


INSTANCES = tuple(_instance(number) for number in range(1, MAX_INSTANCES + 1))
