"""Files that can be read, and what is said of the others."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.churn.errors import UnusableTable
from models.churn.tables import fingerprint, read_table, table_parts
from tests.unit.models.churn.customers import customers


def written(tmp_path, content):
    path = tmp_path / "table.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_cells_are_stripped_text_and_words_for_nothing_stay(tmp_path):
    table = read_table(written(tmp_path, "a,b\n 1 ,NA\n ,\t\n"))
    assert table.to_numpy().tolist() == [["1", "NA"], ["", ""]]


def test_a_row_that_ends_early_has_blanks(tmp_path):
    assert read_table(written(tmp_path, "a,b\n1\n2,3\n"))["b"].tolist() == ["", "3"]


@pytest.mark.parametrize("separator", [";", "\t", "|", ","])
def test_any_usual_separator_is_found(tmp_path, separator):
    table = read_table(written(tmp_path, f"\ufeffa{separator}' b '\n1{separator}2 3\n".replace("'", "")))
    assert table.to_dict("list") == {"a": ["1"], "b": ["2 3"]}


def test_a_separator_inside_quotes_separates_nothing(tmp_path):
    table = read_table(written(tmp_path, '"a;b;c","d\ne"\n"1;2",3\n'))
    assert table.to_dict("list") == {"a;b;c": ["1;2"], "d\ne": ["3"]}


def test_a_column_without_a_name_has_its_number(tmp_path):
    assert list(read_table(written(tmp_path, ",a\n0,1\n"))) == ["Unnamed: 0", "a"]


@given(st.integers(1, 7))
def test_parts_together_are_the_table(tmp_path_factory, n_rows):
    path = tmp_path_factory.getbasetemp() / "parts.csv"
    customers(20).to_csv(path, index=False)
    told = []
    parts = list(table_parts(path, n_rows, told.append))
    assert max(map(len, parts)) <= n_rows
    assert sum(told) == path.stat().st_size
    pd.testing.assert_frame_equal(pd.concat(parts), read_table(path))


def test_a_row_that_is_too_long_is_an_error_in_any_part(tmp_path):
    parts = table_parts(written(tmp_path, "a,b\n1,2\n1,2\n1,2,3\n"), n_rows=2)
    assert len(next(parts)) == 2
    with pytest.raises(UnusableTable, match="line 4: 3 cells and not 2"):
        next(parts)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is not a CSV"),
        ("a,b\n", "no rows"),
        ("a,a\n1,2\n", "two columns named 'a'"),
        ("a, a\n1,2\n", "two columns named 'a'"),
        ('a,b\n1,"2\n3', "is not a CSV"),
        (b"a,b\n\xff\xfe,1\n", "UTF-8"),
        ("a,b\n1,2,3\n", "longer than its header"),
    ],
)
def test_what_cannot_be_read_is_said_with_what_to_do(tmp_path, content, words):
    with pytest.raises(UnusableTable, match=words):
        read_table(written(tmp_path, content))


def test_a_file_that_is_not_there_is_an_unusable_table(tmp_path):
    with pytest.raises(UnusableTable, match="cannot be read"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(UnusableTable, match="cannot be read: Is a directory"):
        read_table(tmp_path)


def test_the_fingerprint_changes_with_one_cell_and_not_with_the_quotes(tmp_path):
    plain = read_table(written(tmp_path, "a,b\n1,2\n"))
    assert fingerprint(plain) == fingerprint(read_table(written(tmp_path, '"a","b"\n"1","2"\n')))
    assert fingerprint(plain) != fingerprint(read_table(written(tmp_path, "a,b\n1,3\n")))


def test_the_fingerprint_is_the_same_for_the_same_table():
    assert fingerprint(customers()) == fingerprint(customers())
