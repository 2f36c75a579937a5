"""A set of offsets in little room, for one that holds nearly every offset below some mark."""

from collections.abc import Iterator

CHUNK = 4096
FULL = (1 << CHUNK) - 1


class OffsetSet:
    """Offsets, as a mark below which all are in the set and a bit mask for each chunk above that holds some.

    A million consecutive offsets are one number. A hole keeps the mark below it, and every full chunk above it
    costs a few bytes: the size goes with what is missing, not with the history.
    """

    def __init__(self, full_chunks: int = 0, masks: dict[int, int] | None = None) -> None:
        self.full_chunks = full_chunks
        """Chunks below this one are full."""
        self.masks = {} if masks is None else masks

    def __contains__(self, offset: int) -> bool:
        chunk, bit = divmod(offset, CHUNK)
        return chunk < self.full_chunks or bool(self.masks.get(chunk, 0) >> bit & 1)

    def add(self, offset: int) -> bool:
        """Puts an offset in; False if it was in already."""
        if offset in self:
            return False
        chunk, bit = divmod(offset, CHUNK)
        self._fill(chunk, 1 << bit)
        return True

    def add_range(self, first: int, end: int) -> None:
        """Puts `first` to before `end` in."""
        if first <= self.full_chunks * CHUNK < end:
            self._advance_to(end // CHUNK)
        for chunk in range(max(first // CHUNK, self.full_chunks), -(-end // CHUNK)):
            low, high = max(first - chunk * CHUNK, 0), min(end - chunk * CHUNK, CHUNK)
            self._fill(chunk, (1 << high) - (1 << low))

    def holes(self, end: int) -> Iterator[tuple[int, int]]:
        """What is not in the set below `end`: first and last of each run, in order."""
        start: int | None = None
        for offset in range(self.full_chunks * CHUNK, end, CHUNK):
            chunk, bits = offset // CHUNK, min(CHUNK, end - offset)
            for low, _, present in _runs(self.masks.get(chunk, 0), bits):
                if not present and start is None:
                    start = offset + low
                elif present and start is not None:
                    yield start, offset + low - 1
                    start = None
        if start is not None:
            yield start, end - 1

    def _fill(self, chunk: int, bits: int) -> None:
        # One object stands for all full masks.
        mask = self.masks.get(chunk, 0) | bits
        self.masks[chunk] = FULL if mask == FULL else mask
        if mask == FULL and chunk == self.full_chunks:
            self._advance_to(chunk + 1)

    def _advance_to(self, chunk: int) -> None:
        for below in [each for each in self.masks if each < chunk]:
            del self.masks[below]
        self.full_chunks = chunk
        while self.masks.get(self.full_chunks) == FULL:
            del self.masks[self.full_chunks]
            self.full_chunks += 1


def _runs(mask: int, bits: int) -> Iterator[tuple[int, int, bool]]:
    """Runs of equal bits, lowest first: from, to before, and whether they are set.

    >>> list(_runs(0b0110, 5))
    [(0, 1, False), (1, 3, True), (3, 5, False)]
    """
    low = 0
    while low < bits:
        rest = mask >> low
        present = bool(rest & 1)
        # How many lowest bits are like the first: those below the lowest bit that differs.
        differs = ~rest if present else rest
        length = (differs & -differs).bit_length() - 1 if differs else bits
        high = min(low + length, bits)
        yield low, high, present
        low = high
