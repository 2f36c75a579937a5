"""Run one instance: `python -m serving`. After SIGTERM it answers the requests it has and exits with 0."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
from collections.abc import Iterator

import uvicorn
import uvloop

from connectors import logging_setup
from connectors.endpoints import Endpoints, StackSettings
from connectors.gc_tuning import YOUNG_AND_OLD, collect_garbage_rarely
from connectors.pseudonyms import PseudonymsError
from serving.app import Instance
from serving.request_id import add_request_id
from serving.settings import ServingSettings
from serving.single_write_protocol import SingleWriteProtocol

log = logging.getLogger("serving")

SWITCH_INTERVAL_S = 0.0005
"""Python's default of 5 ms is how long an answer would wait for the thread of the exposures."""


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: those stop at once, while HAProxy still sends requests."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def main() -> int:
    logging_setup.configure().addFilter(add_request_id)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    try:
        uvloop.run(_serve(ServingSettings(), Endpoints.load(), StackSettings()))
    except PseudonymsError as error:
        log.critical("%s", error)
        return 1
    return 0


async def _serve(settings: ServingSettings, endpoints: Endpoints, stack: StackSettings) -> None:
    instance = Instance(settings, endpoints, stack.secrets, stack.home)
    await instance.start()
    server = _Server(_configuration(instance, settings))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _drain, instance, server, settings.drain_s)
    gc.collect()  # what lives at the start lives for ever
    collect_garbage_rarely(*YOUNG_AND_OLD)
    log.info("Answering on http://%s:%d", settings.host, settings.port)
    await server.serve()
    await instance.stop()


def _drain(instance: Instance, server: uvicorn.Server, drain_s: float) -> None:
    """Become unready and keep answering for `drain_s`; a second signal stops at once."""
    asyncio.get_running_loop().call_later(
        0 if instance.health.draining else drain_s, setattr, server, "should_exit", True
    )
    if not instance.health.draining:
        log.info("Draining: not ready any more, stopping in %g s.", drain_s)
    instance.health.draining = True


def _configuration(instance: Instance, settings: ServingSettings) -> uvicorn.Config:
    return uvicorn.Config(
        instance.application,
        host=settings.host,
        port=settings.port,
        http=SingleWriteProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=60,
        timeout_graceful_shutdown=int(settings.stop_within_s) + 1,
    )


if __name__ == "__main__":
    code = main()
    logging.shutdown()
    sys.stdout.flush()
    # Not sys.exit: the Kafka client would keep the process until an unavailable broker accepts its records.
    os._exit(code)
