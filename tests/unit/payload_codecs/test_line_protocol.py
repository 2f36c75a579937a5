"""InfluxDB line protocol."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payload_codecs.codec import Rejection, Sample
from payload_codecs.example import plain_item
from payload_codecs.line_protocol import LineProtocol
from payload_codecs.message import Message
from schemas.limits import MAX_MESSAGE_ITEMS, MAX_NAME_LENGTH
from schemas.reject_reasons import RejectReason
from schemas.source import Source


def decoded(payload, topic="lines/{device}", **fields):
    source = Source(**{"name": "lines", "topic": topic, "codec": "line-protocol", **fields})
    payload = payload.encode() if isinstance(payload, str) else payload
    return LineProtocol(source).decode(Message(payload, None, "lines/4", {"device": "4"}))


def values(payload, **fields):
    """Metric and value of the samples, reason of the rejections."""
    return [
        (item.metric, item.value) if isinstance(item, Sample) else str(item.reason)
        for item in decoded(payload, **fields)
    ]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1", 1.0), ("1.", 1.0), (".5", 0.5), ("-1.5e-3", -0.0015), ("1E3", 1000.0), ("0", 0.0), ("+2", 2.0),
        ("2i", 2), ("-9223372036854775808i", -(2**63)), ("9223372036854775807i", 2**63 - 1),
        ("2u", 2), ("18446744073709551615u", 2**64 - 1),
        ("t", True), ("T", True), ("true", True), ("True", True), ("TRUE", True),
        ("f", False), ("F", False), ("false", False), ("False", False), ("FALSE", False),
    ],
)  # fmt: skip
def test_numbers_and_booleans_are_samples(written, value):
    [sample] = decoded(f"m f={written}")
    assert plain_item(sample) == Sample("m.f", value)
    assert type(sample.value) is type(value)


@pytest.mark.parametrize(
    "written",
    [
        "9223372036854775808i", "-9223372036854775809i", "18446744073709551616u", "-1u", "1.5i", "1e3i",
        "9" * 5000 + "i", "1e400", "-1e400", "nan", "inf", "0x10", "1_000", "tRUE", "yes", "--1", "1e", "1ii", "٢",
        '"text"', '"21.4"', '""',
    ],
)  # fmt: skip
def test_a_field_that_is_no_number_is_rejected_without_its_siblings(written):
    before, rejected, after = decoded(f"m a=1,f={written},b=2 17")
    assert [plain_item(before), plain_item(after)] == [Sample("m.a", 1.0, 17), Sample("m.b", 2.0, 17)]
    assert rejected.reason is RejectReason.BAD_VALUE
    assert rejected.original == f"m f={written} 17".encode()


def test_a_string_is_a_sample_where_the_source_has_a_number_for_it():
    assert values(r'm a="On",b="off \"x\""', words={"on": 1, 'off "x"': 0}) == [("m.a", "On"), ("m.b", 'off "x"')]


@pytest.mark.parametrize(
    ("line", "metric"),
    [
        (r"my\ meter f=1", "my meter.f"),
        (r"a\,b f=1", "a,b.f"),
        (r"a=b f=1", "a=b.f"),
        (r"m a\ b=1", "m.a b"),
        (r"m a\,b\=c=1", "m.a,b=c"),
        (r"a\b f=1", r"a\b.f"),
        (r"a\\ f=1 f=1", r"a\ f=1.f"),
        (r'"m" "f"=1', '"m"."f"'),
        ("größe höhe=1", "größe.höhe"),
    ],
)
def test_a_backslash_escapes_what_would_end_a_name_and_nothing_else(line, metric):
    assert values(line) == [(metric, 1.0)]


def test_the_device_is_the_tag_that_the_source_names():
    payload = r"m,a=x,host\ name=b\,7,z=host\ name f=1" + "\nm f=2"
    assert [item.device for item in decoded(payload, device='tags."host name"')] == ["b,7", None]
    assert [item.device for item in decoded(payload)] == [None, None]  # the topic's


def test_the_device_is_the_tag_device_where_nobody_says_it():
    assert [item.device for item in decoded("m,host=a,device=b f=1", topic="lines/#")] == ["b"]


def test_an_escaped_comma_starts_no_tag():
    assert [item.device for item in decoded(r"m\,host=a,host=b f=1", device="tags.host")] == ["b"]


def test_the_metric_is_made_of_measurement_field_and_levels():
    assert values("m f=1", metric="{field}") == [("f", 1.0)]
    assert values("m f=1,g=2", metric="{measurement}") == [("m", 1.0), ("m", 2.0)]
    assert values("m f=1", metric="{device}/{measurement}/{field}.raw") == [("4/m/f.raw", 1.0)]
    assert values("{field} f=1") == [("{field}.f", 1.0)]


def test_times_are_as_they_were_sent():
    assert [item.time for item in decoded("m f=1 1719800000123456789\nm f=1 -5\nm f=1")] == [
        1719800000123456789,
        -5,
        None,
    ]


def test_comments_empty_lines_and_white_space_are_passed_over():
    assert values("# a comment\n\n  \r\n\tm f=1  5 \r\n# m f=2\n m f=3") == [("m.f", 1.0), ("m.f", 3.0)]
    assert values("# only this") == ["not_a_point"]
    assert values("#boiler,host=b t=99\n \t#m f=2 17\n##m f=1\n#\nm f=3") == [("m.f", 3.0)]
    assert values(r"\#m f=1" + "\nm,t=#1 f=1\n") == [(r"\#m.f", 1.0), ("m.f", 1.0)]
    assert values("\ufeffm f=1\n\0\0") == [("m.f", 1.0)]


@pytest.mark.parametrize(
    "line",
    [
        "m", "m ", "m f", "m f=", "m f=1,", "m =1", "m,t f=1", "m,t= f=1", "m,=v f=1", ",t=v f=1", "m f=1 noon",
        "m f=1 1.5", "m f=1 1 2", "m  =", 'm f="open', 'm f="a"b', "m f=1 99999999999999999999", "{}", "21.5",
    ],
)  # fmt: skip
def test_a_line_that_is_no_point_is_rejected_with_its_number_and_takes_no_other_with_it(line):
    first, rejected, last = decoded(f"m f=1\n{line}\nm f=2\n")
    assert [first.value, last.value] == [1.0, 2.0]
    assert rejected.reason is RejectReason.NOT_A_POINT
    assert rejected.detail.startswith("line 2 ")
    assert rejected.original == f"{line}\n".encode()


@pytest.mark.parametrize(
    "tags", ["host=a,host=b", "host=a,host=a", "host=a,site=n,host=b", r"a\ b=1,a\ b=2", "x=1,host=a,x=2"]
)
@pytest.mark.parametrize("device", ["tags.host", None])
def test_a_point_with_a_tag_twice_is_rejected_and_takes_no_other_with_it(tags, device):
    first, rejected, last = decoded(f"m f=1\nm,{tags} f=2,g=3 17\nm f=2\n", device=device)
    assert [first.value, last.value] == [1.0, 2.0]
    assert rejected.reason is RejectReason.NOT_A_POINT
    assert rejected.detail.startswith("line 2: the tag ")
    assert rejected.original == f"m,{tags} f=2,g=3 17\n".encode()


def test_tags_that_are_alike_are_not_the_same_tag():
    assert values(r"m,a=a,aa=a,A=a,a\ =a,b=a\,a f=1") == [("m.f", 1.0)]


def test_every_bad_line_is_rejected_with_its_own_number():
    rejected = decoded('# a comment\n\nm f=\nm f=1\nm s="1\n2",f=3\nm f=x\nm\xff\n\nm\n'.encode("latin-1"))
    lines = [item.detail.split(":")[0] for item in rejected if isinstance(item, Rejection)]
    assert lines == ["line 3 is no point", "line 5", "line 7", "line 8", "line 10 is no point"]


def test_a_line_with_bytes_that_are_no_utf8_is_rejected_alone():
    first, rejected, last = decoded(b"m f=1\nm\xff f=1\nm f=2")
    assert [first.value, last.value] == [1.0, 2.0]
    assert rejected == Rejection(RejectReason.INVALID_UTF8, "line 2", b"m\xff f=1\n")


def test_a_string_may_go_on_over_the_end_of_a_line():
    assert values('m log="one\ntwo, f=3\n",f=1 5\nm f=2') == ["bad_value", ("m.f", 1.0), ("m.f", 2.0)]
    assert decoded('m log="one\ntwo",f=1\nm f=')[-1].detail.startswith("line 3 ")


@pytest.mark.parametrize("count", [1, 2, 3, 1000])
def test_open_strings_take_no_line_behind_them_with_them(count):
    payload = 'm log="open\n' * count + 'm f=1\nm log="closed",f=2\n'
    assert values(payload)[-3:] == [("m.f", 1.0), "bad_value", ("m.f", 2.0)]


def test_a_long_name_that_all_fields_share_is_rejected_once():
    assert values("m" * (MAX_NAME_LENGTH + 1) + " f=1,g=2\nm f=3") == ["bad_metric", ("m.f", 3.0)]
    long = f"m,host={'h' * (MAX_NAME_LENGTH + 1)} f=1,g=2"
    assert values(long, device="tags.host") == ["bad_device"]
    assert len(values(long)) == 2


def test_more_items_than_a_message_may_have_are_too_many():
    fields = ",".join(f"f{number}=1" for number in range(MAX_MESSAGE_ITEMS))
    assert len(values(f"m {fields}")) == MAX_MESSAGE_ITEMS
    assert values(f"m {fields}\nm f=1") == ["too_many_items"]


names = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\n\r\t\0\\"), min_size=1, max_size=MAX_NAME_LENGTH
)


def escaped(name, letters=",= "):
    return "".join(f"\\{letter}" if letter in letters else letter for letter in name)


@given(
    measurement=names.filter(lambda name: not name.lstrip().startswith("#") and name.strip("\ufeff") == name),
    tag=names,
    fields=st.lists(st.tuples(names, st.floats(allow_nan=False, allow_infinity=False)), min_size=1, max_size=20),
    time=st.none() | st.integers(-(10**18), 10**18),
)
def test_whatever_is_written_with_escapes_is_read_again(measurement, tag, fields, time):
    written = ",".join(f"{escaped(name)}={value!r}" for name, value in fields)
    line = f"{escaped(measurement, ', ')},host={escaped(tag)} {written}{'' if time is None else f' {time}'}\n"
    assert [(item.device, item.metric, item.value, item.time) for item in decoded(line * 2, device="tags.host")] == [
        (tag, f"{measurement}.{name}", value, time) for name, value in fields
    ] * 2
