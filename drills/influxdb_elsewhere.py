"""InfluxDB on another port, or on a disk of a given size, for the length of a drill."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from connectors import http_clients
from connectors.endpoints import INFLUXDB_PORT, LOOPBACK
from drills.context import Context
from drills.errors import NotPrepared
from headrace.polling import wait_until
from stack import orphans
from stack.influxdb import InfluxDB

STARTED_WITHIN_S = 60.0
STOPPED_WITHIN_S = 30.0
ROOM_BYTES = 64 * 2**20
"""Of the small disk, beyond what InfluxDB holds already."""


@contextmanager
def on_another_port(context: Context) -> Iterator[str]:
    """InfluxDB with the same data on the next port; gives its URL. The usual port is free meanwhile."""
    layout = context.environment.layout
    usual, other = layout.port(INFLUXDB_PORT), layout.port(INFLUXDB_PORT) + 1
    url = f"http://{LOOPBACK}:{other}"
    command = [part.replace(f":{usual}", f":{other}") for part in InfluxDB(layout).command()]
    context.stop("influxdb")
    environment = layout.environment() | {orphans.MARK: "influxdb"}
    with layout.log("influxdb").open("a") as log:
        moved = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        wait_until("InfluxDB on another port", lambda: _is_healthy(url), STARTED_WITHIN_S)
        yield url
    finally:
        moved.terminate()
        try:
            moved.wait(STOPPED_WITHIN_S)
        finally:
            moved.kill()
        context.start("influxdb")


@contextmanager
def on_a_small_disk(context: Context) -> Iterator[Path]:
    """InfluxDB with the same data on a disk in memory that has little room left; gives its folder. Needs root."""
    folder = context.environment.layout.home / "influxdb"
    aside = folder.with_name("influxdb-aside")
    context.stop("influxdb")
    folder.rename(aside)
    folder.mkdir()
    size = sum(path.stat().st_size for path in aside.rglob("*") if path.is_file()) + ROOM_BYTES
    _system("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder))
    try:
        shutil.copytree(aside, folder, dirs_exist_ok=True)
        context.start("influxdb")
        yield folder
    finally:
        context.stop("influxdb")
        shutil.rmtree(aside)
        shutil.copytree(folder, aside)
        _system("umount", str(folder))
        folder.rmdir()
        aside.rename(folder)
        context.start("influxdb")


def fill(folder: Path) -> Path:
    """Takes all room that is left on the folder's disk; gives the file to delete afterwards."""
    path = folder / "filler"
    with path.open("wb") as filler:
        try:
            while True:
                os.write(filler.fileno(), bytes(2**20))
        except OSError:  # no space left on device: full, as wanted
            return path


def why_no_mount() -> str:
    """Why this user cannot mount a small disk; empty where they can."""
    return "" if os.geteuid() == 0 else "a small disk is mounted for it, which needs root"


def _is_healthy(url: str) -> bool:
    try:
        return http_clients.get(f"{url}/health", timeout_s=2).is_success
    except http_clients.HttpUnavailable:
        return False


def _system(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise NotPrepared(f"{' '.join(command)}: {done.stderr.strip()}")
