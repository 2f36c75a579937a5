"""Messages of telemetry.raw against the items of all outputs: each message has its items 0..n-1 exactly once."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from sqlite3 import Connection

from headrace.reconciliation.difference import Range, merged
from headrace.reconciliation.offset_set import OffsetSet
from schemas.record import Position

TABLES = """
CREATE TABLE raw (partition INTEGER PRIMARY KEY, seen INTEGER, judged_from INTEGER, full_chunks INTEGER);
CREATE TABLE closed (partition INTEGER, chunk INTEGER, mask BLOB, PRIMARY KEY (partition, chunk)) WITHOUT ROWID;
CREATE TABLE partial (
  partition INTEGER, offset INTEGER, mask BLOB, PRIMARY KEY (partition, offset)) WITHOUT ROWID;
CREATE TABLE surplus (partition INTEGER, offset INTEGER, PRIMARY KEY (partition, offset)) WITHOUT ROWID;
"""


@dataclass
class _Partition:
    """Of telemetry.raw."""

    seen: int = 0
    """Read up to here."""
    judged_from: int = 0
    """Items of older offsets are not looked at."""
    closed: OffsetSet = field(default_factory=OffsetSet)


class Messages:
    """Which offsets of telemetry.raw are closed: all items seen, or nothing there that has items.

    An item may come before its message is read. The verdict does not depend on the order of the calls.
    What is kept goes with what is open: a set of closed offsets, the messages of which some items are seen,
    and the offsets that have an item too many.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._partitions: defaultdict[int, _Partition] = defaultdict(_Partition)
        self._load()

    def passed(self, partition: int, start: int, end: int, offsets: Collection[int]) -> None:
        """The messages of a partition from `start` to before `end` were read: those at `offsets`, and no others."""
        self._partitions[partition].seen = end
        if len(offsets) < end - start:
            for vacant in sorted(set(range(start, end)).difference(offsets)):
                # A transaction marker or an aborted message. An item of it is one too many.
                self._close_vacant(partition, vacant)

    def excuse(self, partition: int, end: int) -> list[tuple[int, int]]:
        """What is open below `end` can be judged no more: retention took it, or what became of it.

        Returns it, as first and last offsets. Items of offsets below `end` are not looked at from now on.
        """
        kept = self._partitions[partition]
        excused = list(kept.closed.holes(end))
        for first, last in excused:
            kept.closed.add_range(first, last + 1)
        kept.judged_from, kept.seen = max(end, kept.judged_from), max(end, kept.seen)
        self._connection.execute("DELETE FROM partial WHERE partition = ? AND offset < ?", (partition, end))
        return excused

    def add_items(self, items: Iterable[Position]) -> None:
        """Items that left the cleaning."""
        several: defaultdict[tuple[int, int], list[Position]] = defaultdict(list)
        for item in items:
            if item.items > 1:
                several[item.partition, item.offset].append(item)
            elif not self._partitions[item.partition].closed.add(item.offset):
                self._add_surplus(item.partition, item.offset)
        for (partition, offset), siblings in several.items():
            self._add_siblings(partition, offset, siblings)

    def missing(self) -> Iterator[Range]:
        """Messages that were read and have not left the cleaning whole."""
        for partition, kept in sorted(self._partitions.items()):
            for first, last in kept.closed.holes(kept.seen):
                yield partition, first, last

    def doubled(self) -> Iterator[Range]:
        """Offsets with an item that came twice, or with items of no message."""
        return merged(self._connection.execute("SELECT partition, offset, offset FROM surplus ORDER BY 1, 2"))

    def save(self) -> None:
        """Writes down what is kept in memory during a balance."""
        self._connection.execute("DELETE FROM closed")
        for partition, kept in self._partitions.items():
            row = (partition, kept.seen, kept.judged_from, kept.closed.full_chunks)
            self._connection.execute("INSERT OR REPLACE INTO raw VALUES (?, ?, ?, ?)", row)
            self._connection.executemany(
                "INSERT INTO closed VALUES (?, ?, ?)",
                ((partition, chunk, _packed(mask)) for chunk, mask in kept.closed.masks.items()),
            )

    def _load(self) -> None:
        for partition, seen, judged_from, full_chunks in self._connection.execute("SELECT * FROM raw"):
            self._partitions[partition] = _Partition(seen, judged_from, OffsetSet(full_chunks))
        for partition, chunk, mask in self._connection.execute("SELECT * FROM closed"):
            self._partitions[partition].closed.masks[chunk] = int.from_bytes(mask, "little")

    def _close_vacant(self, partition: int, offset: int) -> None:
        if self._partial(partition, offset):
            self._connection.execute("DELETE FROM partial WHERE partition = ? AND offset = ?", (partition, offset))
            self._add_surplus(partition, offset)
        if not self._partitions[partition].closed.add(offset):
            self._add_surplus(partition, offset)

    def _add_siblings(self, partition: int, offset: int, siblings: list[Position]) -> None:
        """Items of one message of several."""
        if offset in self._partitions[partition].closed:
            self._add_surplus(partition, offset)
            return
        before = seen = self._partial(partition, offset)
        for item in siblings:
            if seen >> item.item & 1:
                self._add_surplus(partition, offset)
            seen |= 1 << item.item
        if seen == (1 << siblings[0].items) - 1:
            self._partitions[partition].closed.add(offset)
            if before:
                self._connection.execute("DELETE FROM partial WHERE partition = ? AND offset = ?", (partition, offset))
        else:
            row = (partition, offset, _packed(seen))
            self._connection.execute("INSERT OR REPLACE INTO partial VALUES (?, ?, ?)", row)

    def _partial(self, partition: int, offset: int) -> int:
        """Bits of the items of an open message that are seen."""
        found = self._connection.execute(
            "SELECT mask FROM partial WHERE partition = ? AND offset = ?", (partition, offset)
        ).fetchone()
        return int.from_bytes(found[0], "little") if found else 0

    def _add_surplus(self, partition: int, offset: int) -> None:
        if offset >= self._partitions[partition].judged_from:
            self._connection.execute("INSERT OR IGNORE INTO surplus VALUES (?, ?)", (partition, offset))


def _packed(mask: int) -> bytes:
    return mask.to_bytes((mask.bit_length() + 7) // 8, "little")
