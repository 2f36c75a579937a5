"""Images and containers by buildah with chroot isolation: a Dockerfile is built and run without an engine."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from stack.errors import BuildFailed
from stack.layout import REPOSITORY
from stack.programs import last_line

BASE = "localhost/debian:bookworm-slim"
IMAGE = "localhost/headrace"
PROGRAMS = ("buildah", "debootstrap", "crun")
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
JAVA_AUTHORITIES = Path("/etc/ssl/certs/java/cacerts")


def require_programs() -> None:
    """Install what is missing.

    Raises
    ------
    BuildFailed
    """
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        _call(["apt-get", "update", "-q"])
        _call(["apt-get", "install", "-y", "-q", "--no-install-recommends", *missing])


class Storage:
    """Images and containers in a folder of its own; leaving the `with` removes them all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "storage"
        self.log = folder / "build.log"

    def __enter__(self) -> "Storage":
        self._folder.mkdir()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.call("rm", "--all", check=False)
        self.call("rmi", "--all", "--force", check=False)
        _unmount_below(self._folder)

    def make_base(self, cached: Path) -> None:
        """The base image from a Debian that debootstrap makes, once per user."""
        if not cached.is_dir():
            partial = Path(f"{cached}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            _call(["debootstrap", "--variant=minbase", cached.name, str(partial)])
            shutil.rmtree(partial / "var" / "cache" / "apt" / "archives")
            partial.rename(cached)
        container = self.call("from", "scratch")
        self.call("add", "--quiet", container, str(cached), "/")
        self.call("commit", "--quiet", "--rm", container, BASE)

    def build(self) -> "Image":
        """The image of deploy/Dockerfile.

        Raises
        ------
        BuildFailed
            With the end of the output of the build.
        """
        command = self._command("bud", "--layers=false", *_authorities(), "--build-arg", f"BASE={BASE}")
        command += ["-f", str(REPOSITORY / "deploy" / "Dockerfile"), "-t", IMAGE, str(REPOSITORY)]
        with self.log.open("w") as log:
            done = subprocess.run(command, env=self.environment, stdout=log, stderr=subprocess.STDOUT)
        if done.returncode:
            end = "\n".join(f"  | {line}" for line in self.log.read_text(errors="replace").splitlines()[-30:])
            raise BuildFailed(f"the image was not built:\n{end}")
        return Image(self)

    def size(self, image: str) -> str:
        """As buildah counts it, all layers together: `1.7 GB`."""
        (found,) = json.loads(self.call("images", "--json", image))
        return str(found["size"])

    def call(self, *arguments: str, check: bool = True) -> str:
        """Standard output of one buildah command.

        Raises
        ------
        BuildFailed
        """
        return _call(self._command(*arguments), self.environment, check)

    def popen(self, *arguments: str, log: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
        with log.open("wb") as output:
            return subprocess.Popen(
                self._command(*arguments), env=self.environment | environment, stdout=output, stderr=subprocess.STDOUT
            )

    @property
    def environment(self) -> dict[str, str]:
        temporary = self._folder / "tmp"
        temporary.mkdir(exist_ok=True)
        return os.environ | {"BUILDAH_ISOLATION": "chroot", "TMPDIR": str(temporary)}

    def _command(self, *arguments: str) -> list[str]:
        folders = ["--root", str(self._folder / "root"), "--runroot", str(self._folder / "runroot")]
        return ["buildah", *folders, *arguments]


@dataclass(frozen=True)
class Image:
    """The built image."""

    storage: Storage

    def container(self, volumes: Mapping[Path, str], environment: Mapping[str, str]) -> "Container":
        return Container(self.storage, self.storage.call("from", IMAGE), volumes, environment)


@dataclass(frozen=True)
class Container:
    """One file system made from the image, in which several processes may run. They see the host's network."""

    storage: Storage
    name: str
    volumes: Mapping[Path, str]
    environment: Mapping[str, str] = field(default_factory=dict)

    def arguments(self, command: Sequence[str]) -> list[str]:
        """Of `buildah run`. It knows nothing of ENTRYPOINT."""
        options = [option for path, target in self.volumes.items() for option in ("--volume", f"{path}:{target}")]
        options += [option for name, value in self.environment.items() for option in ("--env", f"{name}={value}")]
        # The name that chroot isolation would give it stands in no /etc/hosts, and a TaskManager asks for its own.
        options += ["--hostname", "localhost"]
        return ["run", *options, self.name, "--", *command]

    def remove(self) -> None:
        self.storage.call("rm", self.name, check=False)


def _authorities() -> list[str]:
    """The certificate authorities of this machine, so that pip, uv and Maven work behind a private one too."""
    options = []
    if AUTHORITIES.is_file():
        options += ["--volume", f"{AUTHORITIES}:/run/authorities.crt:ro"]
        options += ["--build-arg", "PIP_CERT=/run/authorities.crt", "--build-arg", "SSL_CERT_FILE=/run/authorities.crt"]
    if JAVA_AUTHORITIES.is_file():
        options += ["--volume", f"{JAVA_AUTHORITIES}:/run/authorities.jks:ro"]
        options += ["--build-arg", "MAVEN_OPTS=-Djavax.net.ssl.trustStore=/run/authorities.jks"]
    return options


def _unmount_below(folder: Path) -> None:
    """A killed buildah can leave mounts behind. Removing the folder must not reach through them."""
    mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    for mount in reversed(mounts):
        if mount.startswith(f"{folder}/"):
            subprocess.run(["/usr/bin/umount", "--lazy", mount], check=True)


def _call(command: Sequence[str], environment: Mapping[str, str] | None = None, check: bool = True) -> str:
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if check and done.returncode:
        raise BuildFailed(f"`{' '.join(command)}` failed: {last_line(done.stderr or done.stdout)}")
    return done.stdout.strip()
