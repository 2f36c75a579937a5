"""Files of interactions and items: what is read, and what is said of a file that is of no use."""

import csv

import pandas as pd
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


NOW_MS = 1_790_000_000_000
DATED = [1_700_000_000_000 + 60_000 * n for n in range(120)]


def timed(times):
    return [f"u{n % 7},i{n % 30:02},{time}" for n, time in enumerate(times)]


@pytest.mark.parametrize(
    ("time", "says"),
    [
        (1_700_000_000_000_000, "it is over 5 minutes in the future and looks like microseconds, not milliseconds"),
        (1_700_000_000_000_000_000, "looks like nanoseconds, not milliseconds"),
        (NOW_MS + 300_001, "it is over 5 minutes in the future"), (2_000_000_000, "it is over 5 minutes in the future"),
        ("2027-01-01", "it is over 5 minutes in the future"), ("1989-12-31T23:59:59Z", "it is before 1990"),
        (0, "it is before 1990"), (-1_700_000_000, "it is before 1990"), (20240701, "it is before 1990"),
        (45_000.5, "it is before 1990"), ("NaN", ""), ("nat", ""), ("-inf", ""), ("1e400", ""), ("now", ""),
        ("today", ""), ("01/02/2024", ""), ("9999-12-31", ""), ('"1700000000,5"', ""), ("0x655", ""),
        ("١٧٠٠٠٠٠٠٠٠", ""),
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", [0, 119])
def test_a_time_that_is_none_is_refused_with_its_line_and_what_to_write(tmp_path, time, says, place):
    times = [*DATED[:place], time, *DATED[place + 1 :]]
    with pytest.raises(UnusableInteractions) as refused:
        read_interactions(file_of(tmp_path, timed(times)), NOW_MS)
    assert f"line {place + 2}: event_time {str(time).strip(chr(34))!r} is no time" in str(refused.value)
    assert says in str(refused.value)
    assert "Write ISO 8601 (2026-09-21T14:13:20Z), or seconds or milliseconds since the epoch." in str(refused.value)


def test_a_file_that_is_all_in_microseconds_is_refused_in_its_first_line(tmp_path):
    with pytest.raises(UnusableInteractions, match=r"line 2: .* looks like microseconds"):
        read_interactions(file_of(tmp_path, timed(1000 * time for time in DATED)), NOW_MS)


@pytest.mark.parametrize(
    "form",
    [
        "{}", "{}.0", " {} ", "+{}", "{:.12e}",
        pytest.param(lambda ms: ms // 1000, id="seconds"), pytest.param(lambda ms: ms / 1000, id="float seconds"),
        pytest.param(lambda ms: pd.Timestamp(ms, unit="ms").isoformat(), id="ISO without a zone"),
        pytest.param(lambda ms: pd.Timestamp(ms, unit="ms", tz="Asia/Kolkata").isoformat(), id="ISO with a zone"),
    ],
)  # fmt: skip
def test_a_time_may_have_any_of_the_usual_forms(tmp_path, form):
    written = [form.format(ms) if isinstance(form, str) else form(ms) for ms in DATED]
    assert read_interactions(file_of(tmp_path, timed(written)), NOW_MS).times_s.tolist() == [ms / 1000 for ms in DATED]


def test_public_data_of_the_nineties_are_times_in_seconds(tmp_path):
    read = read_interactions(file_of(tmp_path, timed(range(874_724_710, 874_724_830))), NOW_MS)
    assert read.times_s[0] == 874_724_710


def test_up_to_5_minutes_ahead_is_a_time(tmp_path):
    assert len(read_interactions(file_of(tmp_path, timed([*DATED[1:], NOW_MS + 300_000])), NOW_MS)) == 120


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace(",", ";"),
        lambda text: text.replace(",", "\t"),
        lambda text: "\n" + text.replace("\n", "\n\n"),
        lambda text: text.replace("\n", ",\n"),
        lambda text: text.replace("user,item,event_time", " user , item, event_time "),
        lambda text: text.rstrip("\n"),
    ],
    ids=["BOM", "CRLF", "semicolons", "tabs", "empty lines", "separators at the end", "blanks in the header", "no end"],
)
def test_a_file_reads_the_same_however_its_program_writes_csv(tmp_path, change):
    path = file_of(tmp_path, timed(DATED))
    plain = read_interactions(path, NOW_MS)
    path.write_bytes(change(path.read_text()).encode())
    read = read_interactions(path, NOW_MS)
    assert (read.item_names, read.user_names) == (plain.item_names, plain.user_names)
    assert read.times_s.tolist() == plain.times_s.tolist()


def test_names_are_as_they_are_written_with_spaces_commas_and_quotation_marks(tmp_path):
    names = ["tea pot", "a,b", 'the "old" one', "NA", "null", "007", "x" * 5_000, "é/1", "two\nlines"]
    rows = [[f"u {n % 7}", names[n % len(names)] if n < 90 else f"i{n}", time] for n, time in enumerate(DATED)]
    path = tmp_path / "interactions.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["user", "item", "event_time"], *rows])
    read = read_interactions(path, NOW_MS)
    assert set(names) <= set(read.item_names)
    assert "u 3" in read.user_names


def test_a_line_is_numbered_as_an_editor_numbers_it(tmp_path):
    rows = timed(DATED)
    rows[3] = f'u1,"two\nlines",{DATED[3]}'
    rows[50:50] = ["", ""]
    rows[80] = "u1,i1,yesterday"
    with pytest.raises(UnusableInteractions, match="line 83: event_time 'yesterday'"):
        read_interactions(file_of(tmp_path, rows), NOW_MS)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda rows: [*rows[:9], "u1,i1"], "line 11: 2 cells, where the header has 3"),
        (lambda rows: [*rows[:9], "u1,tea,pot,1700000000"], "line 11: 4 cells, where the header has 3"),
        (lambda rows: [*rows[:9], "u1,i1,1700000000,5"], "line 11: 4 cells, where the header has 3"),
        (lambda rows: [*rows[:9], 'u1,"i1,1700000000', *rows], "unexpected end of data"),
    ],
)
def test_a_row_that_is_not_as_long_as_the_header_is_refused_with_its_line(tmp_path, change, says):
    with pytest.raises(UnusableInteractions, match=says):
        read_interactions(file_of(tmp_path, change(timed(DATED))), NOW_MS)


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("u49,i13,1700001825000", "no column 'user'.*Name the columns in the first line:  user,item,event_time"),
        ("User,Item,Event_Time", "no column 'user'"),
        ("user,item,item,event_time", "2 columns 'item'. Keep one of them"),
    ],
)
def test_a_header_that_does_not_name_each_column_once_is_refused(tmp_path, header, says):
    with pytest.raises(UnusableInteractions, match=says):
        read_interactions(file_of(tmp_path, timed(DATED), header=header), NOW_MS)


def test_copies_of_a_row_are_interactions_of_their_own_and_weights_are_not_looked_at(tmp_path):
    rows = [f"{row},{weight}" for row, weight in zip(timed(DATED), ["-1", "NaN", "", "inf"] * 30, strict=True)]
    read = read_interactions(file_of(tmp_path, [*rows, *rows], header="user,item,event_time,weight"), NOW_MS)
    assert len(read) == 240


def test_words_of_an_item_go_with_their_column(tmp_path):
    path = tmp_path / "items.csv"
    path.write_text("item,genre,maker\na,Comedy|Drama,ACME\nb,,Comedy\nunasked,x,y\n")
    assert read_words(path, ("a", "b", "c")) == [
        frozenset({"genre:comedy", "genre:drama", "maker:acme"}),
        frozenset({"maker:comedy"}),
        frozenset(),
    ]
