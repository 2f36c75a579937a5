"""Builds the image with buildah, then lets containers of it do the work of a local stack.

1. The image is built by deploy/Dockerfile on a Debian made by debootstrap: there need be no engine and no registry.
2. A local stack of its own starts; its JobManager, TaskManager and bridge are stopped.
3. The same three roles start from the image, as its own user, and take their places at Kafka, Mosquitto and ZooKeeper.
4. The roles `create-topics` and `submit` run from the image.
5. Readings are published over MQTT. Each must be in telemetry.readings once (what the JVM does) and have its score in
   telemetry.anomalies (what the Python workers do, forked by the process beside the TaskManager).
6. A Python worker is killed, then the TaskManager with all that its container runs, which starts again as Compose would
   have it. Readings published at that moment must come out likewise: the seconds until they have are the recovery.

Whatever happens, everything that was started or made here is ended and removed; what was fetched once, the Debian,
stays in the cache folder. Exit status 0 means that every step held.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from deploy.image_check import flow
from deploy.image_check.buildah import BASE, IMAGE, Image, Storage, require_programs
from deploy.image_check.cluster import ImageCluster
from deploy.image_check.local_stack import LocalStack
from schemas.errors import HeadraceError
from stack.layout import cache

JOBS = ("clean_telemetry", "score_anomalies")
CACHE = cache() / "image-check"


def main() -> int:
    arguments = _arguments()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    try:
        check(arguments.port_offset, arguments.readings)
    except HeadraceError as error:
        print(f"✘ {error}", file=sys.stderr)
        return 1
    print("The image works.")
    return 0


def check(port_offset: int, readings: int) -> None:
    """Start a cluster from the image, and send readings through it.

    Raises
    ------
    HeadraceError
        Says which expectation does not hold.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    with ExitStack() as at_the_end:
        folder = Path(tempfile.mkdtemp(prefix="run-", dir=CACHE))
        at_the_end.callback(shutil.rmtree, folder, ignore_errors=True)
        with _timed("programs"):
            require_programs()
        storage = at_the_end.enter_context(Storage(folder))
        with _timed("base"):
            storage.make_base(CACHE / "bookworm")
        with _timed("image"):
            image = storage.build()
        print(f"  {storage.size(IMAGE)}, of which {storage.size(BASE)} are the base")
        with _timed("local stack"):
            stack = at_the_end.enter_context(LocalStack(folder / "stack", port_offset))
        _run(image, stack, at_the_end, folder / "state", readings)


def _run(image: Image, stack: LocalStack, at_the_end: ExitStack, state: Path, readings: int) -> None:
    stack.stop("bridge", "jobmanager", "taskmanager")
    with _timed("container"):
        cluster = at_the_end.enter_context(ImageCluster(image, stack.layout, state))
    with _timed("create-topics"):
        cluster.run("create-topics")
    with _timed("jobmanager, taskmanager, bridge"):
        cluster.start("jobmanager", "taskmanager", "bridge")
        cluster.wait_until_ready()
    with _timed("submit"):
        cluster.run("submit", *JOBS)
    _stream(f"{readings} readings", cluster, stack, readings, "image-check")
    cluster.require_forked_workers()
    cluster.kill_workers()
    _stream("recovery from killed Python workers", cluster, stack, readings, "workers-killed")
    cluster.replace("taskmanager")
    _stream("recovery from a killed TaskManager", cluster, stack, readings, "taskmanager-killed")
    cluster.require_forked_workers()
    cluster.require_all_alive()
    stack.require_stopped("bridge", "jobmanager", "taskmanager")


def _stream(step: str, cluster: ImageCluster, stack: LocalStack, readings: int, fleet: str) -> None:
    with _timed(step):
        try:
            flow.check(stack.layout.endpoints, readings, fleet)
        except flow.NotArrived as error:
            raise flow.NotArrived(f"{error}\n{cluster.failures()}") from error


@contextmanager
def _timed(step: str) -> Iterator[None]:
    began = time.monotonic()
    print(f"{step} ...", flush=True)
    yield
    print(f"{step}: {time.monotonic() - began:.1f} s", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="deploy/image-check", description=__doc__.splitlines()[0])
    parser.add_argument("--port-offset", type=int, default=3000, help="of the local stack [%(default)s]")
    parser.add_argument("--readings", type=int, default=1000, help="how many are published [%(default)s]")
    arguments = parser.parse_args()
    if os.getuid() != 0 or shutil.which("apt-get") is None:
        parser.exit(1, "image-check needs root on Debian or Ubuntu: it builds with chroot.\n")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
