"""Which records a worker is processing, in a small file that outlives the worker: after a crash the next one reads it.

Before a worker processes records it notes their positions with one `pwrite`, and clears the note with another when it
is done. There is no fsync: what a process wrote stays in the page cache when the process is killed, and a host that
goes down is no record's fault. A worker that finds a note at its start knows what its predecessor died of, or beside.

A journal that cannot be written is logged once, and the worker goes on without one: then nothing is quarantined, and a
job fails as it would without it.
"""

import contextlib
import logging
import os
import struct
import time
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import orjson

log = logging.getLogger(__name__)

FORGOTTEN_AFTER_S = 3600.0
"""From a record's last failure. Three failures take minutes: Flink waits 30 s at most before it restarts a job."""

_HEAD = struct.Struct(">?II")
"""Of a note: whether it holds, the length of its body and the CRC-32 of that."""
_CLEARED = b"\0"
_WORKER_ENDED = "the worker that processed it ended without an exception: killed by a signal or for want of memory, or "
_WORKER_ENDED += "it left (headrace logs forkserver has its status)"


class RecordPosition(NamedTuple):
    """Of a record in Kafka."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True)
class Failures:
    """Of a record in a row, in this worker and those before it. `error`: of the last one, with its traceback."""

    count: int
    last_s: float
    error: str


class AttemptJournal:
    """The journal of one operator of one subtask. Two files: NAME.attempt is the note, NAME.failures what was counted.

    Parameters
    ----------
    folder
        Made if it is missing. It must survive the worker, and need not survive the host.
    name
        Of the job, the operator and the subtask: no two workers have the same at a time.
    now_s
        s since the epoch.
    """

    def __init__(self, folder: Path, name: str, now_s: Callable[[], float] = time.time) -> None:
        self._attempt, self._failures = folder / f"{name}.attempt", folder / f"{name}.failures"
        self._now_s = now_s
        self._file: int | None = None

    def open(self) -> dict[RecordPosition, Failures]:
        """What failed before, with those records on which the predecessor died."""
        try:
            self._attempt.parent.mkdir(parents=True, exist_ok=True)
            failures = self._counted()
            for position in self._noted():
                failures[position] = self.failed_once_more(failures.get(position), _WORKER_ENDED)
            self._write(failures)
            # A new file: a predecessor that is still about to end writes to the old one, which nobody reads any more.
            self._attempt.unlink(missing_ok=True)
            self._file = os.open(self._attempt, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            self._give_up(error)
            return {}
        return failures

    def close(self) -> None:
        """The worker ends by itself. Without a note the next one suspects nothing."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def note(self, topics: str | Sequence[str], partitions: Sequence[int], offsets: Sequence[int]) -> None:
        """The records that are processed from now on; `topics` is one of all of them, or one of each."""
        if self._file is None:
            return
        body = orjson.dumps((topics, partitions, offsets))
        try:
            written = os.pwrite(self._file, _HEAD.pack(True, len(body), zlib.crc32(body)) + body, 0)
        except OSError as error:
            self._give_up(error)
        else:
            if written < _HEAD.size + len(body):
                self._give_up(OSError(f"{written} bytes of a note of {_HEAD.size + len(body)} could be written"))

    def clear(self) -> None:
        """They are processed."""
        if self._file is None:
            return
        try:
            os.pwrite(self._file, _CLEARED, 0)
        except OSError as error:
            self._give_up(error)

    def remember(self, failures: dict[RecordPosition, Failures]) -> None:
        """For the next worker, in place of what was remembered before."""
        if self._file is None:
            return
        try:
            self._write(failures)
        except OSError as error:
            self._give_up(error)

    def failed_once_more(self, before: Failures | None, error: str) -> Failures:
        """The count with one more, now."""
        return Failures((before.count if before else 0) + 1, self._now_s(), error)

    def _counted(self) -> dict[RecordPosition, Failures]:
        """Those of `remember`; without those that are too long ago. What is damaged counts as nothing."""
        since_s = self._now_s() - FORGOTTEN_AFTER_S
        try:
            rows = orjson.loads(self._failures.read_bytes())
            counted = {RecordPosition(*position): Failures(**failures) for position, failures in rows}
        except FileNotFoundError:
            return {}
        except (ValueError, TypeError) as error:
            log.warning("%s is damaged (%s): its failures are forgotten", self._failures, error)
            return {}
        return {position: each for position, each in counted.items() if each.last_s >= since_s}

    def _noted(self) -> Iterable[RecordPosition]:
        """Empty for a note that was cleared, and for one that was cut off: then the worker had not begun with it."""
        try:
            note = self._attempt.read_bytes()
        except FileNotFoundError:
            return ()
        if len(note) < _HEAD.size:
            return ()
        holds, length, checksum = _HEAD.unpack_from(note)
        body = note[_HEAD.size : _HEAD.size + length]
        if not holds or len(body) < length or zlib.crc32(body) != checksum:
            return ()
        topics, partitions, offsets = orjson.loads(body)
        topics = [topics] * len(offsets) if isinstance(topics, str) else topics
        return map(RecordPosition, topics, partitions, offsets)

    def _write(self, failures: dict[RecordPosition, Failures]) -> None:
        """Whole or not at all."""
        if not failures:
            self._failures.unlink(missing_ok=True)
            return
        partial = self._failures.with_name(f"{self._failures.name}.partial")
        partial.write_bytes(orjson.dumps([([*position], asdict(each)) for position, each in failures.items()]))
        partial.replace(self._failures)

    def _give_up(self, error: OSError) -> None:
        log.error(
            "%s cannot be written (%s): a record that kills the worker is not quarantined. "
            "Make room or correct the folder's owner, then restart the job",
            self._attempt, error,
        )  # fmt: skip
        self.close()
        with contextlib.suppress(OSError):  # a note that stands would make suspects of what was processed
            self._attempt.unlink()
