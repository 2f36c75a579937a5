"""A user in files: rows of tables to train on, which go; logs, models and tables of the stack, which are searched."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from connectors.atomic_write import atomic_write_text
from headrace.errors import NotForgotten
from headrace.privacy.finding import Finding
from headrace.privacy.json_ids import NotJson, ids_in, parse
from headrace.privacy.personal_fields import PERSONAL_FIELDS, normalised
from headrace.privacy.text_ids import TextSearch, may_hold

COLUMNS = ("user", "customer_id", "customer")
DELIMITERS = ",;\t|"
"""Those that tables to train on may have."""
PIECE = 1 << 20
BOM = "\ufeff"
MAX_CELL = 1 << 30
MAX_JSON_BYTES = 64 << 20
"""A larger file is searched as text."""
ACCOUNT_LOGS = ("haproxy", "kafka", "mosquitto", "postgres", "redis", "supervisord", "zookeeper")
"""Servers whose `user` is an account of theirs, such as PostgreSQL's `for user "headrace"`: never a customer."""
MAX_NAMED_FILES = 5
NEVER_ESCAPED = re.compile(r"[A-Za-z0-9._~-]+")


def require_column(table: Path, column: str | None) -> str:
    """The column that names users.

    Raises
    ------
    NotForgotten
        Where there is none, or no table.
    """
    head = _head(table)
    found = next((name for name in ([column] if column else COLUMNS) if name in head), None)
    if found is None:
        raise NotForgotten(f"{table} has no column {column or ' or '.join(COLUMNS)}. Name one with --column: {head}")
    return found


def remove_from_table(table: Path, column: str, user: str, pseudonym: str) -> Finding:
    """Rows of the user go, under the id or the pseudonym; the bytes of all others stay.

    Raises
    ------
    NotForgotten
    """
    ids = (user, pseudonym)
    kept, removed, elsewhere = io.StringIO(newline=""), 0, set[str]()
    rows = _rows(table, strict=True)
    head = next(rows)
    place = head.cells.index(column)
    kept.write(head.text)
    for row in rows:
        if len(row.cells) > place and _is_one_of(row.cells[place], ids):
            removed += 1
            continue
        kept.write(row.text)
        elsewhere |= _columns_that_name(head.cells, row.cells, ids)
    if removed:
        atomic_write_text(table, kept.getvalue(), mode=table.stat().st_mode & 0o777)
    result = f"{removed:,} row{'s were' if removed != 1 else ' was'} removed" if removed else "nothing"
    if elsewhere:
        columns = ", ".join(sorted(elsewhere))
        result += f"; other rows name the user in the column {columns}. Decide about them:  --column {min(elsewhere)}"
    return Finding(str(table), result, stays=bool(elsewhere))


def look_in_folder(place: str, folder: Path, user: str, piece_bytes: int = PIECE) -> Finding:
    """Whether a file below a folder names the user: a column of a CSV, a field of JSON, a field in a line of text."""
    naming, unread = [], []
    for path in sorted(folder.rglob("*")):
        try:
            if path.is_file() and _names(path, user, piece_bytes):
                naming.append(path)
        except FileNotFoundError:
            continue  # a log that was rotated away meanwhile: what it had is in the next file
        except OSError as error:
            unread.append(f"{path} ({error.strerror})")
    result = []
    if naming:
        named = _listed([str(path) for path in naming])
        is_one = len(naming) == 1
        result.append(
            f"1 file names the user: {named}. Remove it"
            if is_one
            else f"{len(naming)} files name the user: {named}. Remove them"
        )
    if unread:
        result.append(f"not readable: {_listed(unread)}. Make them readable, or remove them")
    return Finding(place, "; ".join(result) or "nothing", stays=bool(result))


def _names(path: Path, user: str, piece_bytes: int) -> bool:
    if path.suffix in (".csv", ".tsv"):
        try:
            return _table_names(path, user)
        except NotForgotten:
            pass  # no table after all
    if path.suffix == ".json" and path.stat().st_size <= MAX_JSON_BYTES:
        try:
            return user in ids_in(parse(path.read_bytes()))
        except NotJson:
            pass  # a file that is being written, or has a document a line
    return _text_names(path, user, piece_bytes)


def _table_names(path: Path, user: str) -> bool:
    rows = _rows(path, strict=False)
    head = next(rows, _Row([], ""))
    return any(_columns_that_name(head.cells, row.cells, (user,)) for row in rows)


def _is_one_of(cell: str, ids: Sequence[str]) -> bool:
    """A training strips cells, so an id with blanks around it is the same customer there."""
    return cell in ids or cell.strip() in ids


def _columns_that_name(head: Sequence[str], cells: Sequence[str], ids: Sequence[str]) -> set[str]:
    return {
        name
        for name, cell in zip(head, cells, strict=False)
        if _is_one_of(cell, ids) and normalised(name) in PERSONAL_FIELDS
    }


def _text_names(path: Path, user: str, piece_bytes: int) -> bool:
    is_of_accounts = path.name.startswith(ACCOUNT_LOGS)
    search = TextSearch(user, PERSONAL_FIELDS - {"user", "userid"} if is_of_accounts else PERSONAL_FIELDS)
    begins = True
    for piece, ends in _pieces(path, piece_bytes, 4 * search.overlap):
        if _may_name(piece, user) and search.finds(piece.decode("utf-8", "surrogateescape"), begins=begins, ends=ends):
            return True
        begins = False
    return False


def _may_name(piece: bytes, user: str) -> bool:
    """No program escapes letters and digits, and nearly every log has escapes of something else."""
    return user.encode() in piece if NEVER_ESCAPED.fullmatch(user) else may_hold(piece, user)


def _pieces(path: Path, piece_bytes: int, overlap: int) -> Iterator[tuple[bytes, bool]]:
    """A file may be as large as a log gets: read in pieces, each with the end of the one before, and the last said."""
    with path.open("rb") as file:
        piece, end = file.read(piece_bytes), b""
        while piece:
            following = file.read(piece_bytes)
            yield end + piece, not following
            piece, end = following, (end + piece)[-overlap:]


@dataclass(frozen=True)
class _Row:
    """Cells, and the text as it stands in the file."""

    cells: list[str]
    text: str


def _rows(table: Path, *, strict: bool) -> Iterator[_Row]:
    """The rows of a table.

    `strict` is for whoever writes rows back: in UTF-8, and without a quote that is not closed, since the rows behind it
    would be a part of the row that opens it.

    Raises
    ------
    NotForgotten
        When the file is not a table.
    """
    delimiter = _delimiter(table)
    csv.field_size_limit(MAX_CELL)
    try:
        with table.open(newline="", encoding="utf-8", errors="strict" if strict else "surrogateescape") as file:
            lines: list[str] = []
            for cells in csv.reader(_taken(file, lines), delimiter=delimiter, strict=strict):
                yield _Row(cells, "".join(lines))
                lines.clear()
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _unreadable(table, error) from error


def _taken(file: Iterator[str], lines: list[str]) -> Iterator[str]:
    """The file's lines, which `lines` gathers as they stand; without the mark that some programs put in front."""
    for number, line in enumerate(file):
        lines.append(line)
        yield line.removeprefix(BOM) if number == 0 else line


def _head(table: Path) -> list[str]:
    return next(_rows(table, strict=True), _Row([], "")).cells


def _delimiter(table: Path) -> str:
    try:
        with table.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
            head = file.readline()
    except OSError as error:
        raise _unreadable(table, error) from error
    return max(DELIMITERS, key=head.count)


def _unreadable(table: Path, error: Exception) -> NotForgotten:
    return NotForgotten(f"{table} cannot be read: {error}")


def _listed(names: Sequence[str]) -> str:
    more = len(names) - MAX_NAMED_FILES
    return ", ".join(names[:MAX_NAMED_FILES]) + (f" and {more} more" if more > 0 else "")
