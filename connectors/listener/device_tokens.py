"""Who may publish: one token per device, kept as a hash in a file that `headrace device` writes.

A token has 256 random bits, so that a plain SHA-256 of it cannot be guessed back: a slow hash protects secrets that
people choose, and would let a reconnecting fleet wait for it. Comparison takes the same time whatever differs.
"""

import fcntl
import hashlib
import hmac
import json
import logging
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from connectors.atomic_write import atomic_write_text
from schemas.device_name import device_name_fault
from schemas.errors import TerminalError
from schemas.topic_pattern import TopicPattern

log = logging.getLogger(__name__)

TOKEN_BYTES: Final = 32
NO_DIGEST: Final = "0" * 64


class UnusableTokens(TerminalError):
    """Raised where a line of the tokens file is invalid, or a device cannot be added or revoked.

    Terminal: the file or the name has to be changed.
    """


class DeviceToken(BaseModel):
    """One line of the tokens file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    device: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    topics: tuple[str, ...] = ()
    """Topic filters that it may publish to beside its own topics: of a gateway, which speaks for other devices."""
    created: str = ""

    @field_validator("device")
    @classmethod
    def _is_a_name(cls, device: str) -> str:
        if device_name_fault(device):
            raise ValueError("a device has 1 to 200 characters, and none of them is a control character")
        return device

    @field_validator("topics")
    @classmethod
    def _are_filters(cls, topics: tuple[str, ...]) -> tuple[str, ...]:
        for topic in topics:
            TopicPattern(topic)
        return topics


@dataclass(frozen=True)
class Publisher:
    """Who is connected, and what it may publish to.

    Parameters
    ----------
    device
        None: anybody, in a listener that lets devices in without a token.
    digest
        Of its token when it connected: another one now means that it was revoked.
    """

    device: str | None
    digest: str = ""
    patterns: tuple[TopicPattern, ...] = ()

    def may_publish(self, topic: str, device: str | None) -> bool:
        """Whether `topic`, which names `device` (None: no device), is one of its own."""
        if self.device is None or (device is not None and device == self.device):
            return True
        return any(pattern.match(topic) is not None for pattern in self.patterns)


ANYBODY: Final = Publisher(None)


class DeviceTokens:
    """The tokens of a file, read again when it changes.

    Parameters
    ----------
    allow_anonymous
        Let in who shows no token. Who shows a wrong one is refused all the same.
    """

    def __init__(self, path: Path, allow_anonymous: bool = False) -> None:
        self.allow_anonymous = allow_anonymous
        self._path = path
        self._state: tuple[int, int, int] | None = None
        self._by_device: dict[str, DeviceToken] = {}
        self._by_digest: dict[str, DeviceToken] = {}
        self.reload()

    def __len__(self) -> int:
        return len(self._by_device)

    def reload(self) -> bool:
        """Whether the file has changed and was read. One that cannot be read leaves the tokens as they are."""
        state = _state_of(self._path)
        if state == self._state:
            return False
        self._state = state
        try:
            tokens = read_tokens(self._path)
        except (UnusableTokens, OSError) as error:
            log.error("The device tokens stay as they were: %s", error)
            return False
        self._by_device = {each.device: each for each in tokens}
        self._by_digest = {each.sha256: each for each in tokens}
        log.info("%d devices have a token.", len(tokens))
        return True

    def authenticate(self, device: str | None, token: bytes | None) -> Publisher | None:
        """Who shows this token, or None for nobody.

        Without `device` the token itself says who it is, and so does a user name that is a token, without a password:
        so ThingsBoard's devices show theirs.
        """
        if token is None:
            is_token = device is not None and digest_of(device.encode()) in self._by_digest
            if not is_token:
                return ANYBODY if self.allow_anonymous else None
            device, token = None, (device or "").encode()
        digest = digest_of(token)
        found = self._by_device.get(device) if device else self._by_digest.get(digest)
        if not hmac.compare_digest(digest, found.sha256 if found else NO_DIGEST) or found is None:
            return None
        return Publisher(found.device, digest, tuple(map(TopicPattern, found.topics)))

    def still_knows(self, publisher: Publisher) -> bool:
        """Whether its token is as it was."""
        if publisher.device is None:
            return self.allow_anonymous
        found = self._by_device.get(publisher.device)
        return found is not None and hmac.compare_digest(found.sha256, publisher.digest)


def digest_of(token: bytes) -> str:
    """SHA-256, in hexadecimal."""
    return hashlib.sha256(token).hexdigest()


def read_tokens(path: Path) -> list[DeviceToken]:
    """Those of a file, in the order of their devices' names; none where there is no file. Raises UnusableTokens."""
    if not path.is_file():
        return []
    found: dict[str, DeviceToken] = {}
    for number, line in enumerate(path.read_text().split("\n"), 1):
        if not line.strip():
            continue
        try:
            token = DeviceToken.model_validate_json(line)
        except ValidationError as error:
            fault = error.errors()[0]
            raise UnusableTokens(
                f"{path}, line {number}: {'.'.join(map(str, fault['loc']))} {fault['msg']}. "
                "Correct the line, or remove it and run  headrace device add"
            ) from error
        if token.device in found:
            raise UnusableTokens(f"{path}, line {number}: {token.device!r} stands there twice. Remove one of the lines")
        found[token.device] = token
    return sorted(found.values(), key=lambda each: each.device)


def add_devices(
    path: Path, devices: Sequence[str], topics: Sequence[str], created: str, replace: bool = False
) -> Iterator[tuple[str, str]]:
    """Each device with its new token, which is stored nowhere. All devices are added, or none.

    Raises UnusableTokens when a device has a token and `replace` is not set, or when a name or topic filter is invalid.
    """
    with _changing(path) as tokens:
        made = {}
        for device in dict.fromkeys(devices):
            if device in tokens and not replace:
                raise UnusableTokens(
                    f"{device!r} has a token already, and it cannot be shown again. "
                    f"Give it a new one, which ends the old one:  headrace device add --replace '{device}'"
                )
            made[device] = secrets.token_urlsafe(TOKEN_BYTES)
            tokens[device] = _device_token(device, made[device], topics, created)
    yield from made.items()


def revoke_devices(path: Path, devices: Iterable[str]) -> None:
    """Remove the tokens of these devices from the file.

    Raises
    ------
    UnusableTokens
        When one of them has no token. None is revoked then.
    """
    with _changing(path) as tokens:
        for device in devices:
            if tokens.pop(device, None) is None:
                raise UnusableTokens(f"{device!r} has no token. List those that have one:  headrace device ls")


def _device_token(device: str, token: str, topics: Sequence[str], created: str) -> DeviceToken:
    try:
        return DeviceToken(device=device, sha256=digest_of(token.encode()), topics=tuple(topics), created=created)
    except ValidationError as error:
        fault = error.errors()[0]
        raise UnusableTokens(
            f"{fault['input']!r} cannot be used: {fault['msg'].removeprefix('Value error, ')}"
        ) from error


@contextmanager
def _changing(path: Path) -> Iterator[dict[str, DeviceToken]]:
    """The tokens by device, written back at the end of the block; one process at a time."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        tokens = {each.device: each for each in read_tokens(path)}
        yield tokens
        lines = (json.dumps(each.model_dump(exclude_defaults=True)) for each in tokens.values())
        atomic_write_text(path, "".join(f"{line}\n" for line in lines), mode=0o600)


def _state_of(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
