"""Where a stack keeps what: folders under its home, ports moved by its offset, the environment of its processes."""

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connectors.atomic_write import atomic_write_text
from connectors.endpoints import Endpoints, StackSettings
from connectors.postgres_cdc.endpoints import CaptureEndpoints
from stack.errors import StackUnusable

REPOSITORY = Path(__file__).resolve().parents[1]
FLINK_CONF = REPOSITORY / "flink-conf"
# A unix socket's address has 108 bytes; supervisord first binds the name with ".PID" behind it.
MAX_SOCKET_PATH_BYTES = 95


def cache() -> Path:
    """The user's folder of what is fetched or built once: HEADRACE_CACHE, else ~/.cache/headrace."""
    return Path(os.environ.get("HEADRACE_CACHE") or Path.home() / ".cache" / "headrace")


@dataclass(frozen=True)
class Layout:
    """One stack: its absolute home and how far its ports are moved."""

    home: Path
    port_offset: int = 0
    extras: tuple[str, ...] = ()
    """Names of the optional servers that it has."""

    @classmethod
    def of(
        cls, home: Path | None = None, port_offset: int | None = None, extras: tuple[str, ...] | None = None
    ) -> "Layout":
        """The stack that is named, else the environment's; one made before remembers its port offset and extras."""
        settings = StackSettings()  # type: ignore[call-arg]  # both come from the environment or have defaults
        home = Path(os.path.abspath((home or settings.home).expanduser()))
        remembered = _remembered(home)
        if port_offset is None and "port_offset" not in settings.model_fields_set:
            port_offset = remembered.get("port_offset")
        if extras is None:
            extras = tuple(remembered.get("extras", ()))
        _require_plain(home)
        return cls(home, settings.port_offset if port_offset is None else port_offset, extras)

    def remember(self) -> None:
        """So that `headrace down --home DIR` and the like need not be told the ports again."""
        remembered = {"port_offset": self.port_offset, "extras": self.extras}
        atomic_write_text(self.home / "stack.json", json.dumps(remembered) + "\n")

    @property
    def settings(self) -> StackSettings:
        return StackSettings(home=self.home, port_offset=self.port_offset)

    @property
    def endpoints(self) -> Endpoints:
        """Of this stack's own servers, whatever the environment names."""
        return Endpoints.local(self.settings)

    @property
    def capture(self) -> CaptureEndpoints:
        """The same of the optional servers of change capture."""
        return CaptureEndpoints.local(self.settings)

    def port(self, standard: int) -> int:
        return standard + self.port_offset

    def folder(self, *names: str) -> Path:
        """A folder of the stack, made if missing; only its owner enters the home."""
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self.home.joinpath(*names)
        path.mkdir(parents=True, exist_ok=True)
        return path

    def log(self, name: str) -> Path:
        return self.folder("log") / f"{name}.log"

    @property
    def ledger(self) -> Path:
        """What balances of this stack have read so far (headrace/reconciliation/ledger.py)."""
        return self.home / "balance.sqlite"

    def unix_socket(self, name: str) -> Path:
        """In the home, or for a home with a long name in a short folder of the user's."""
        near = self.home / "run" / f"{name}.sock"
        short = len(os.fsencode(near)) <= MAX_SOCKET_PATH_BYTES
        return near if short else _runtime_folder() / f"{self._short_name}-{name}.sock"

    @property
    def _short_name(self) -> str:
        return hashlib.sha256(os.fsencode(self.home)).hexdigest()[:16]

    def environment(self) -> dict[str, str]:
        """What every process of the stack, and every command run against it, has in its environment.

        Addresses that the caller's environment names are left out: inside a stack its own servers are meant.
        """
        addresses = (*Endpoints.model_fields, *CaptureEndpoints.model_fields)
        foreign = {f"HEADRACE_{name.upper()}" for name in addresses}
        inherited = {name: value for name, value in os.environ.items() if name not in foreign}
        path = [str(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH")])]
        ours = {
            "HEADRACE_HOME": str(self.home),
            "HEADRACE_PORT_OFFSET": str(self.port_offset),
            "PYTHONPATH": os.pathsep.join(dict.fromkeys(os.pathsep.join(path).split(os.pathsep))),
        }
        return inherited | _no_proxy_on_loopback(inherited) | ours


LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")


def _no_proxy_on_loopback(environment: Mapping[str, str]) -> dict[str, str]:
    """NO_PROXY with the names of this machine: gRPC, by which Flink reaches its Python workers, follows http_proxy."""
    names = ("no_proxy", "NO_PROXY", "no_grpc_proxy")
    given = [host.strip() for name in names for host in environment.get(name, "").split(",")]
    hosts = ",".join(dict.fromkeys([*filter(None, given), *LOOPBACK_HOSTS]))
    return {name: hosts for name in names if name != "no_grpc_proxy" or name in environment}


def _require_plain(home: Path) -> None:
    # Flink's scripts split folders at spaces, Java's class path at colons, supervisord expands percent signs.
    if not re.fullmatch(r"[\w/.+@~-]+", str(home)):
        raise StackUnusable(
            f"The folder {home} has a character that Flink's scripts do not accept. "
            "Use letters, digits and / . _ - only:  headrace up --home /tmp/headrace"
        )


def _remembered(home: Path) -> dict[str, Any]:
    try:
        remembered: dict[str, Any] = json.loads((home / "stack.json").read_text())
    except (OSError, ValueError):
        return {}
    return remembered


def _runtime_folder() -> Path:
    """Short, and the user's own: $XDG_RUNTIME_DIR, else a folder under the system's temporary one."""
    given = os.environ.get("XDG_RUNTIME_DIR")
    folder = Path(given) / "headrace" if given else Path(tempfile.gettempdir()) / f"headrace-{os.getuid()}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise StackUnusable(f"{folder} belongs to somebody else: set XDG_RUNTIME_DIR to a folder of yours")
    return folder
