"""A CSV as text: nothing is guessed here, so that a model and its table agree on what was written."""

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

from models.churn.errors import UnusableTable

SEPARATORS = ",;\t|"
PART_ROWS = 10_000
MAX_HEADER_LENGTH = 1 << 16
"""Characters: a quoted name may go over several lines."""
MAX_CELL_LENGTH = 131_072
"""Characters. Set anew for each table: the csv module keeps one limit for the whole process."""


def read_table(path: Path) -> pd.DataFrame:
    """Every cell as stripped text. NA and its like stay: what they mean depends on the column's kind.

    Raises
    ------
    UnusableTable
        No file, not UTF-8, no rows, rows longer than the header, or two columns of one name.
    """
    return pd.concat(table_parts(path))


def table_parts(
    path: Path, n_rows: int = PART_ROWS, progress: Callable[[int], None] = lambda _: None
) -> Iterator[pd.DataFrame]:
    """The table's rows, so many at a time; raises as `read_table`. `progress` is called with bytes that were read."""
    reported = 0
    try:
        with path.open("rb") as file:
            text = io.TextIOWrapper(file, "utf-8-sig", newline="")
            csv.field_size_limit(MAX_CELL_LENGTH)
            rows = csv.reader(text, delimiter=_separator(path), strict=True)
            header = _header(path, next(filter(None, rows), []))
            whole, first = _whole(path, rows, len(header)), 0
            while part := list(islice(whole, n_rows)):
                index = pd.RangeIndex(first, first := first + len(part))
                yield pd.DataFrame(part, index, header, dtype=object).apply(cleaned)
                progress(file.tell() - reported)
                reported = file.tell()
    except UnicodeDecodeError as error:
        raise UnusableTable(f"{path} cannot be read as UTF-8 text: {error}. Save it as a UTF-8 CSV.") from None
    except OSError as error:
        raise UnusableTable(f"{path} cannot be read: {error.strerror or error}") from None
    except csv.Error as error:
        if "field limit" in str(error):
            raise UnusableTable(
                f"{path} has a cell of more than {MAX_CELL_LENGTH:,} characters. Is a quote left open? "
                "Close it, or shorten the cell."
            ) from None
        raise UnusableTable(f"{path} is not a CSV: {error}. It needs a header line and commas.") from None
    if not first:
        raise UnusableTable(f"{path} has a header and no rows.")


def _separator(path: Path) -> str:
    """Of SEPARATORS the one that cuts the header into most columns."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        text = file.read(MAX_HEADER_LENGTH).lstrip("\r\n")
    headers = {each: next(csv.reader(io.StringIO(text), delimiter=each), []) for each in SEPARATORS}
    return max(headers, key=lambda each: len(headers[each]))


def _header(path: Path, row: list[str]) -> list[str]:
    if not row:
        raise csv.Error("it is empty")
    header = [name.strip() or f"Unnamed: {number}" for number, name in enumerate(row)]
    twice = [name for name, count in Counter(header).items() if count > 1]
    if twice:
        raise UnusableTable(f"{path} has two columns named {twice[0]!r}. Rename one.")
    return header


def _whole(path: Path, rows: Any, width: int) -> Iterator[list[str]]:
    """Rows of this width; one that ends early has blanks. pandas drops what is too long in the first row of a part."""
    for row in rows:
        if len(row) > width:
            raise UnusableTable(
                f"{path} has a row that is longer than its header, in line {rows.line_num:,}: {len(row)} cells and not "
                f"{width}. Quote the cells with a comma."
            )
        if row:
            yield row + [""] * (width - len(row))


def cleaned(cells: pd.Series) -> pd.Series:
    """Stripped; blanks are MISSING."""
    return pd.Series([cell.strip() for cell in cells], cells.index, object, cells.name)


def fingerprint(table: pd.DataFrame) -> str:
    """SHA-256 of header and cells: the same data give the same text, however the file was quoted."""
    digest = hashlib.sha256("\x1f".join(table.columns).encode())
    digest.update(pd.util.hash_pandas_object(table, index=False).to_numpy().tobytes())
    return digest.hexdigest()
