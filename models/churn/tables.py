"""A CSV as text: nothing is guessed here, so that a model and its table agree on what was written."""

import csv
import hashlib
import warnings
from collections import Counter
from pathlib import Path

import pandas as pd

from models.churn.contract import MISSING
from models.churn.errors import UnusableTable
from models.churn.raw_values import BLANKS


def read_table(path: Path) -> pd.DataFrame:
    """Every cell as stripped text, blanks as MISSING.

    Raises
    ------
    UnusableTable
        No file, not UTF-8, no rows, rows of different lengths, or two columns of one name.
    """
    try:
        _require_distinct_header(path)
        table = _cells(path)
    except (OSError, UnicodeDecodeError) as error:
        raise UnusableTable(f"{path} cannot be read as UTF-8 text: {error}. Save it as a UTF-8 CSV.") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise UnusableTable(f"{path} is no CSV: {error}. It needs a header line and commas.") from None
    except pd.errors.ParserWarning:
        raise UnusableTable(f"{path} has a row that is longer than its header. Quote the cells with a comma.") from None
    if table.empty:
        raise UnusableTable(f"{path} has a header and no rows.")
    return table.apply(cleaned)


def _cells(path: Path) -> pd.DataFrame:
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        return pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig", index_col=False)


def cleaned(cells: pd.Series) -> pd.Series:
    """Stripped, blanks as MISSING. A row that ends early has NaN, which is blank too."""
    stripped = cells.fillna(MISSING).str.strip()
    return stripped.mask(stripped.str.lower().isin(BLANKS), MISSING)


def _require_distinct_header(path: Path) -> None:
    with path.open(encoding="utf-8-sig", newline="") as file:
        header = next(csv.reader(file), [])
    twice = [name for name, count in Counter(header).items() if count > 1]
    if twice:
        raise UnusableTable(f"{path} has two columns named {twice[0]!r}. Rename one.")


def fingerprint(table: pd.DataFrame) -> str:
    """SHA-256 of header and cells: the same data give the same text, however the file was quoted."""
    digest = hashlib.sha256("\x1f".join(table.columns).encode())
    digest.update(pd.util.hash_pandas_object(table, index=False).to_numpy().tobytes())
    return digest.hexdigest()
