"""The rows of a CSV text: separator, header, comments, and the line that each row begins at."""

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from headrace.csv_files.text_file import TextFile
from headrace.errors import UnusableFile

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
SAMPLED_ROWS = 200
COMMENT = "#"


@dataclass(frozen=True)
class Row:
    """The cells of a row, without blanks around them."""

    line: int
    cells: list[str]


@dataclass
class _Record:
    """Where the reader is: only a line that begins a record can be a comment."""

    line: int = 0
    begins_at: int = 0
    is_open: bool = False


@dataclass(frozen=True)
class Table:
    """How to read the rows of a file.

    Parameters
    ----------
    header
        Names of the columns; empty where there is none.
    comments
        Lines with a # above the header: comments, or the annotations of InfluxDB.
    """

    file: TextFile
    separator: str
    header: list[str]
    header_line: int
    comments: int = 0
    first_line: int = 1
    """What is above it is not looked at."""

    def rows(self) -> Iterator[Row]:
        """All rows below the header that have any cell that is not empty, as a stream.

        Raises
        ------
        UnusableFile
            At a quote that is never closed, or is followed by more than the separator.
        """
        rows = _rows(self.file, self.separator, self.first_line)
        for row in rows:
            if row.line == self.header_line:
                break
        yield from rows

    @property
    def separator_name(self) -> str:
        return SEPARATORS.get(self.separator, repr(self.separator))


def find_table(file: TextFile, separator: str | None = None, header_line: int | None = None) -> Table:
    """The separator and the header, unless they are given.

    Raises
    ------
    UnusableFile
        When there is no header, or two separators are as likely.
    """
    said, comments = _before_header(file)
    first_line = header_line or 1
    separator = separator or said or _detected(file, first_line)
    header = next(_rows(file, separator, first_line), None)
    if header is None:
        raise UnusableFile(f"{file.name} has no header line: there are only blank lines and comments")
    names = [name.strip("\ufeff\u200b ") for name in header.cells]  # some programs write a byte order mark twice
    _require_header(file, separator, header, first_line)
    return Table(file, separator, names, header.line, comments, first_line)


def _require_header(file: TextFile, separator: str, header: Row, first_line: int) -> None:
    """Lines of metadata above the header are shorter than it."""
    if len(header.cells) > 1:
        return
    lengths = Counter(len(_trimmed(row.cells)) for row in islice(_rows(file, separator, first_line), 1, SAMPLED_ROWS))
    if lengths and (common := lengths.most_common(1)[0][0]) > 1:
        raise UnusableFile(
            f"{file.name}, line {header.line} has one cell and the rows below have {common}, so it is no header. Say "
            "where the columns' names stand:  --header-line"
        )


def _before_header(file: TextFile) -> tuple[str | None, int]:
    """The separator that a line `sep=;` names, and how many comments there are, InfluxDB's annotations among them."""
    separator, comments = None, 0
    for line in file.lines():
        text = line.strip()
        if _is_separator_line(line):
            separator = line.rstrip("\r\n")[4:]
        elif text.startswith(COMMENT):
            comments += 1
        elif text:
            break
    return separator, comments


def _is_separator_line(line: str) -> bool:
    return line[:4].lower() == "sep=" and len(line.rstrip("\r\n")) == 5


def _detected(file: TextFile, first_line: int) -> str:
    """The separator under which most rows are as long as the header; a file of one column has none.

    csv.Sniffer counts characters: it takes the comma of `2026-10-25 00:00:00,123;19.5`, and fails at one short row.
    """
    fits: Counter[str] = Counter()
    for separator in SEPARATORS:
        try:
            rows = list(islice(_rows(file, separator, first_line), SAMPLED_ROWS))
        except UnusableFile:
            continue  # quotes that do not match under this one
        if rows and len(rows[0].cells) > 1:
            length = len(_trimmed(rows[0].cells))
            fits[separator] = 1 + sum(len(_trimmed(row.cells)) == length for row in rows[1:])
    ranked = fits.most_common(2)
    if len(ranked) == 2 and ranked[0][1] == ranked[1][1]:
        first, second = (SEPARATORS[each] for each, _ in ranked)
        raise UnusableFile(f"{file.name}: {first} and {second} separate it alike. Say which one:  --separator")
    return ranked[0][0] if ranked else ","


def _trimmed(cells: list[str]) -> list[str]:
    """Without the empty cells that separators at the end of a line make."""
    end = len(cells)
    while end and not cells[end - 1]:
        end -= 1
    return cells[:end]


def _rows(file: TextFile, separator: str, first_line: int) -> Iterator[Row]:
    record = _Record()
    reader = csv.reader(
        _lines(file, record, first_line),
        delimiter=separator,
        strict=True,
        skipinitialspace=separator not in (" ", "\t"),
    )
    while True:
        record.is_open = False
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise UnusableFile(
                f"{file.name}, line {record.begins_at}: the quotes do not match ({error}). "
                "Close the quote or double it, or name another --separator"
            ) from error
        cells = [cell.strip() for cell in cells]
        if any(cells):
            yield Row(record.begins_at, cells)


def _lines(file: TextFile, record: _Record, first_line: int) -> Iterator[str]:
    is_first = True
    for record.line, line in enumerate(file.lines(), 1):
        if record.line < first_line:
            continue
        if not record.is_open:
            if line.startswith(COMMENT) or not line.strip() or (is_first and _is_separator_line(line)):
                continue
            record.begins_at, record.is_open = record.line, True
            is_first = False
        yield line
