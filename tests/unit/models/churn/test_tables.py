"""Files that can be read, and what is said of the others."""

import pytest

from models.churn.errors import UnusableTable
from models.churn.tables import fingerprint, read_table
from tests.unit.models.churn.customers import customers


def written(tmp_path, content):
    path = tmp_path / "table.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_cells_are_stripped_text_and_blanks_are_one_blank(tmp_path):
    table = read_table(written(tmp_path, "a,b\n 1 ,NA\n ,NaN\n"))
    assert table.to_numpy().tolist() == [["1", ""], ["", ""]]


def test_a_row_that_ends_early_has_blanks(tmp_path):
    assert read_table(written(tmp_path, "a,b\n1\n2,3\n"))["b"].tolist() == ["", "3"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is no CSV"),
        ("a,b\n", "no rows"),
        ("a,a\n1,2\n", "two columns named 'a'"),
        ('a,b\n1,"2\n3', "is no CSV"),
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


def test_the_fingerprint_changes_with_one_cell_and_not_with_the_quotes(tmp_path):
    plain = read_table(written(tmp_path, "a,b\n1,2\n"))
    assert fingerprint(plain) == fingerprint(read_table(written(tmp_path, '"a","b"\n"1","2"\n')))
    assert fingerprint(plain) != fingerprint(read_table(written(tmp_path, "a,b\n1,3\n")))


def test_the_fingerprint_is_the_same_for_the_same_table():
    assert fingerprint(customers()) == fingerprint(customers())
