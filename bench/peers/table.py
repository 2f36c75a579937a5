"""The table that ends `make bench-peers`, in Markdown, with what each system does as a ratio to Headrace."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.peers.comparison import Damage

HEADRACE = "Headrace"
HEADER = (
    "| detector | system | readings per CPU second | times Headrace | latency p50 / p99, ms | the same, uncommitted | "
    "lost / doubled / wrong after kill -9 | scores again after, s |"
)


@dataclass(frozen=True)
class Row:
    """What was measured of one system with one detector; None where there are no figures, and `note` says why."""

    detector: str
    system: str
    per_cpu_s: float | None = None
    committed_ms: tuple[float, float] | None = None
    """p50 and p99, of a consumer that reads committed records only."""
    uncommitted_ms: tuple[float, float] | None = None
    damage: Damage | None = None
    again_after_s: float | None = None
    note: str = ""


def table(rows: Sequence[Row]) -> str:
    """One line a row, in their order.

    The ratio is to the row whose system is `HEADRACE`, of the same detector; above 1 the other system is faster.
    """
    ours = {row.detector: row.per_cpu_s for row in rows if row.system == HEADRACE}
    lines = [HEADER, "| --- " * HEADER.count(" |") + "|"]
    return "\n".join(lines + [_line(row, ours.get(row.detector)) for row in rows])


def _line(row: Row, ours: float | None) -> str:
    if row.per_cpu_s is None:
        return _joined(row, [f"none: {row.note}", "", "", "", "", ""])
    ratio = f"{row.per_cpu_s / ours:.2g}" if ours else ""
    damage = row.damage
    cells = [
        f"{row.per_cpu_s:,.0f}",
        ratio,
        _latency(row.committed_ms),
        _latency(row.uncommitted_ms),
        f"{damage.lost:,} / {damage.doubled:,} / {damage.wrong:,}" if damage else "",
        "" if row.again_after_s is None else f"{row.again_after_s:.1f}",
    ]
    return _joined(row, cells)


def _latency(ms: tuple[float, float] | None) -> str:
    return "" if ms is None else f"{ms[0]:,.0f} / {ms[1]:,.0f}"


def _joined(row: Row, cells: Sequence[str]) -> str:
    return "| " + " | ".join([row.detector, row.system, *cells]) + " |"
