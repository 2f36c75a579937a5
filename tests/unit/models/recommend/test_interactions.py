"""Files of interactions and items: what is read, and what is said of a file that is of no use."""

import pytest

from models.recommend.errors import UnusableInteractions
from models.recommend.interactions import read_interactions, read_words


def file_of(tmp_path, rows, header="user,item,event_time"):
    path = tmp_path / "interactions.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def rows(time="{}", n=120):
    return [f"u{n % 7},i{n % 30:02}," + time.format(1_700_000_000 + n) for n in range(n)]


def test_seconds_milliseconds_and_iso_8601_are_the_same_moment(tmp_path):
    in_seconds = read_interactions(file_of(tmp_path, rows()))
    in_ms = read_interactions(file_of(tmp_path, rows("{}000")))
    written = ["u0,i00,2023-11-14T23:13:20+01:00", *rows()[1:]]
    assert in_seconds.times_s.tolist() == in_ms.times_s.tolist()
    assert read_interactions(file_of(tmp_path, written)).times_s.tolist() == in_seconds.times_s.tolist()


def test_other_columns_are_not_looked_at_and_names_stay_text(tmp_path):
    read = read_interactions(
        file_of(tmp_path, [f"{row},click" for row in rows()], header="user,item,event_time,action")
    )
    assert read.item_names[:2] == ("i00", "i01")
    assert len(read) == 120


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda rows: [*rows, "u1,i1,yesterday"], "line 122: event_time 'yesterday' is no time"),
        (lambda rows: [*rows, "u1,i1,inf"], "line 122: event_time 'inf' is no time"),
        (lambda rows: [*rows, "u1,i1,"], "line 122: event_time is blank"),
        (lambda rows: ["u1, ,5", *rows], "line 2: item is blank"),
        (lambda rows: rows[:40], "40 interactions with 30 items. It takes 100 with 20"),
        (lambda rows: [f"u,i{n % 5},{n}" for n in range(200)], "200 interactions with 5 items"),
        (lambda rows: [f"u,i{n},{n}" for n in range(5_001)], "5,001 items; 5,000 is the most"),
        (lambda rows: [], "0 interactions"),
    ],
)
def test_a_file_of_no_use_is_refused_with_what_to_change(tmp_path, change, says):
    with pytest.raises(UnusableInteractions, match=says):
        read_interactions(file_of(tmp_path, change(rows())))


def test_a_file_without_a_column_or_that_is_none_is_refused(tmp_path):
    with pytest.raises(UnusableInteractions, match=r"no column 'event_time'\. It has: user, item, when"):
        read_interactions(file_of(tmp_path, rows(), header="user,item,when"))
    for content in (b"", b"\xff\xfe\x00user"):
        (tmp_path / "none.csv").write_bytes(content)
        with pytest.raises(UnusableInteractions, match="cannot be read"):
            read_interactions(tmp_path / "none.csv")
    with pytest.raises(UnusableInteractions, match="cannot be read"):
        read_interactions(tmp_path / "away.csv")


def test_words_of_an_item_go_with_their_column(tmp_path):
    path = tmp_path / "items.csv"
    path.write_text("item,genre,maker\na,Comedy|Drama,ACME\nb,,Comedy\nunasked,x,y\n")
    assert read_words(path, ("a", "b", "c")) == [
        frozenset({"genre:comedy", "genre:drama", "maker:acme"}),
        frozenset({"maker:comedy"}),
        frozenset(),
    ]
