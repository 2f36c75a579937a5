"""What 100,000 series cost the scorer: memory, and CPU, size and time of the snapshots that it takes every 10 s.

    python -m bench.series

Drives the Scorers of all buckets with micro-batches as the job score_anomalies does, without Flink, which adds one
message with the pages of a snapshot. Every series sends once in 10 s; then one in a hundred, spread over all pages;
then a single one. At last the state is read again, as after a restart, and compared.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import psutil

from bench.command_line import run
from bench.report import verdict
from jobs.settings import JobSettings
from models.detectors import Batch, Scorer
from models.detectors.batch_codec import encode_batch

SERIES = 100_000
METRICS = 10
"""Of a device."""
PERIOD_S = 10
ROUNDS = 3
LIMIT_SHARE, LIMIT_MB = 20.0, 1000.0
BEGIN_MS = 1_790_000_000_000

Result = TypeVar("Result")


@dataclass
class Cost:
    """CPU seconds and bytes of one period of all buckets."""

    step_s: float = 0.0
    journal_s: float = 0.0
    snapshot_s: float = 0.0
    journal_bytes: int = 0
    snapshot_bytes: int = 0

    def share(self) -> float:
        """Of a core, in percent, for snapshots."""
        return 100 * self.snapshot_s / PERIOD_S


@dataclass
class Buckets:
    """The scorers, and in files, so that it is no memory of theirs, what Flink would keep of each."""

    settings: JobSettings
    kept: Path
    scorers: list[Scorer] = field(default_factory=list)
    n_readings: int = 0

    def __post_init__(self) -> None:
        self.scorers = [Scorer(self.settings.detector) for _ in range(self.settings.buckets)]

    def period(self, series: list[int]) -> Cost:
        """One reading of each of `series`, and a snapshot of each bucket at its end."""
        cost = Cost()
        for bucket, scorer in enumerate(self.scorers):
            for batch in self._batches(series[bucket :: len(self.scorers)]):
                cost.step_s += _cpu_s(partial(scorer.step, batch))[0]
                seconds, entry = _cpu_s(partial(encode_batch, batch))
                cost.journal_s += seconds
                cost.journal_bytes += len(entry)
            seconds, pages = _cpu_s(scorer.changed_pages)
            cost.snapshot_s += seconds
            cost.snapshot_bytes += sum(map(len, pages.values()))
            for number, page in pages.items():
                self._file(bucket, number).write_bytes(page)
        return cost

    def restored(self) -> list[Scorer]:
        scorers = [Scorer(self.settings.detector) for _ in self.scorers]
        for bucket, scorer in enumerate(scorers):
            if errors := scorer.restore_pages(partial(self._read, bucket)):
                raise SystemExit(f"✘ a snapshot cannot be read: {errors[0]}")
        return scorers

    def _read(self, bucket: int, number: int) -> bytes:
        return self._file(bucket, number).read_bytes()

    def _file(self, bucket: int, number: int) -> Path:
        return self.kept / f"{bucket}.{number}"

    def _batches(self, series: list[int]) -> Iterator[Batch]:
        """The readings of a bucket in as many parts as micro-batches are gathered in a period."""
        n_batches = PERIOD_S * 1000 // self.settings.micro_batch_ms
        for part in np.array_split(np.array(series), n_batches):
            offsets = self.n_readings + np.arange(len(part))
            self.n_readings += len(part)
            keys = [(f"device-{number // METRICS:05}", f"metric-{number % METRICS}") for number in part.tolist()]
            zeros = np.zeros(len(part), np.int64)
            yield Batch(keys, BEGIN_MS + offsets, 20 + np.sin(offsets), zeros, offsets, zeros)


def main() -> None:
    with tempfile.TemporaryDirectory() as kept:
        _measure(Path(kept))


def _measure(kept: Path) -> None:
    before_mb = _memory_mb()
    buckets = Buckets(JobSettings(), kept)
    for _ in range(ROUNDS):
        every = buckets.period(list(range(SERIES)))
    memory_mb = _memory_mb()
    few = buckets.period(list(range(0, SERIES, 100)))
    silent = buckets.period([0])
    state_mb = sum(file.stat().st_size for file in kept.iterdir()) / 1e6
    read_s, scorers = _cpu_s(buckets.restored)
    _require_equal(buckets, scorers)
    print(
        f"{SERIES:,} series in {len(scorers)} buckets, {JobSettings().detector}, one snapshot of each in {PERIOD_S} s"
    )
    for words, cost in (("every series sends", every), ("one in a hundred sends", few), ("one series sends", silent)):
        print(
            f"{words:<23} snapshots {1000 * cost.snapshot_s:6.1f} ms of CPU, {cost.snapshot_bytes / 1e6:5.2f} MB; "
            f"journal {1000 * cost.journal_s:6.1f} ms, {cost.journal_bytes / 1e6:5.2f} MB; "
            f"scoring {1000 * cost.step_s:6.1f} ms"
        )
    print(f"state {state_mb:.1f} MB, read again in {read_s:.2f} s; the process had {before_mb:.0f} MB without series")
    print(verdict("snapshots of silent series", few.share(), "% of a core", LIMIT_SHARE, at_least=False))
    print(verdict("snapshots", every.share(), "% of a core", LIMIT_SHARE, at_least=False))
    print(verdict("memory", memory_mb, "MB", LIMIT_MB, at_least=False))


def _require_equal(buckets: Buckets, scorers: list[Scorer]) -> None:
    """What has been read scores as what was kept."""
    for kept, read in zip(buckets.scorers, scorers, strict=True):
        if kept.snapshot() != read.snapshot():
            raise SystemExit("✘ what was read from the pages is not what was kept in them")


def _cpu_s(work: Callable[[], Result]) -> tuple[float, Result]:
    before = time.process_time()
    result = work()
    return time.process_time() - before, result


def _memory_mb() -> float:
    return psutil.Process().memory_info().rss / 1e6


if __name__ == "__main__":
    run(main)
