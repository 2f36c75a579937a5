"""A user in files: rows of tables to train on, which go; logs and models, which name nobody."""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

from connectors.whole_files import write_whole
from headrace.errors import NotForgotten
from headrace.privacy.finding import Finding
from headrace.privacy.word import word

COLUMNS = ("user", "customer_id", "customer")
DELIMITERS = ",;\t"
PIECE = 1 << 20


def require_column(table: Path, column: str | None) -> str:
    """The column that names users. Raises NotForgotten where there is none, or no table."""
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            head = next(csv.reader(file, delimiter=_delimiter(table)), [])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise NotForgotten(f"{table} cannot be read: {error}") from error
    found = next((name for name in ([column] if column else COLUMNS) if name in head), None)
    if found is None:
        raise NotForgotten(f"{table} has no column {column or ' or '.join(COLUMNS)}. Say --column with one of: {head}")
    return found


def remove_from_table(table: Path, column: str, user: str, pseudonym: str) -> Finding:
    """Rows of the user go, under the id or the pseudonym; the others stay as they are."""
    delimiter = _delimiter(table)
    kept, removed = io.StringIO(newline=""), 0
    with table.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.reader(file, delimiter=delimiter)
        writer = csv.writer(kept, delimiter=delimiter, lineterminator="\n")
        head = next(rows)
        writer.writerow(head)
        place = head.index(column)
        for row in rows:
            if len(row) > place and row[place] in (user, pseudonym):
                removed += 1
            else:
                writer.writerow(row)
    if removed:
        write_whole(table, kept.getvalue(), mode=table.stat().st_mode & 0o777)
    return Finding(str(table), f"{removed:,} rows were removed" if removed else "nothing")


def look_in_folder(place: str, folder: Path, user: str) -> Finding:
    """Whether a file below a folder names the user."""
    pattern, length = word(user), len(user.encode()) + 1
    naming = [path for path in sorted(folder.rglob("*")) if path.is_file() and _holds(path, pattern, length)]
    if not naming:
        return Finding(place, "nothing")
    return Finding(place, f"{len(naming)} files name the user, {naming[0]} first: remove them", stays=True)


def _holds(path: Path, pattern: "re.Pattern[bytes]", overlap: int) -> bool:
    return any(pattern.search(piece) for piece in _pieces(path, overlap))


def _pieces(path: Path, overlap: int) -> Iterator[bytes]:
    """A file may be as large as a log gets: read in pieces, each with the end of the one before."""
    with path.open("rb") as file:
        end = b""
        while piece := file.read(PIECE):
            yield end + piece
            end = piece[-overlap:]


def _delimiter(table: Path) -> str:
    with table.open(newline="", encoding="utf-8-sig") as file:
        head = file.readline()
    return max(DELIMITERS, key=head.count)
