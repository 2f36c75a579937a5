"""sources.toml: what it declares, and its mistakes with their lines."""

import contextlib
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.payload_format import Codec, TimeFormat
from schemas.presets import PRESETS, preset_fields
from schemas.source import DEFAULT_SOURCE, Source
from schemas.sources import Sources
from schemas.sources_file import BadSources, load_sources, parse_sources, read_sources

FLEET = '[[source]]\nname = "fleet"\ntopic = "fleet/{device}/telemetry"\n'


def mistakes(text):
    with pytest.raises(BadSources) as raised:
        parse_sources(text)
    return str(raised.value).split("\n")


def one_mistake(text):
    [line] = mistakes(text)
    return line


def mapped(fields):
    return f'[[source]]\nname = "a"\ntopic = "a/{{line}}/{{device}}"\ncodec = "json"\nvalues = "@"\n{fields}\n'


def test_without_a_file_the_default_source_is_read(tmp_path):
    assert load_sources(tmp_path / "sources.toml").sources == (DEFAULT_SOURCE,)
    assert read_sources(tmp_path / "sources.toml") is None


def test_a_file_is_read_with_its_byte_order_mark(tmp_path):
    (tmp_path / "sources.toml").write_text(FLEET, encoding="utf-8-sig")
    assert load_sources(tmp_path / "sources.toml").sources == (DEFAULT_SOURCE,)


def test_a_file_in_another_encoding_is_reported_at_its_line(tmp_path):
    (tmp_path / "sources.toml").write_bytes("a = 1\n# größe\n".encode("latin-1"))
    with pytest.raises(BadSources, match=r"sources\.toml:2: not UTF-8"):
        load_sources(tmp_path / "sources.toml")


def test_a_folder_in_place_of_the_file_is_reported(tmp_path):
    with pytest.raises(BadSources, match="cannot be read: Is a directory"):
        load_sources(tmp_path)


def test_a_source_is_a_plain_value_that_travels():
    [source] = parse_sources(mapped('device = "{line}-{device}"\nwords = {on = 1}')).sources
    assert source.patterns
    assert pickle.loads(pickle.dumps(source)) == source
    assert Source.model_validate_json(source.model_dump_json()) == source
    assert {source: 1}[source] == 1
    with pytest.raises(ValueError, match="frozen"):
        setattr(source, "name", "b")  # noqa: B010


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = 1\nb = hello\n", "sources.toml:2: no TOML: Invalid value"),
        (FLEET + 'name = "again"', "sources.toml:4: no TOML: Cannot overwrite a value"),
        ('[[source]]\nname = "fleet', "sources.toml:2: no TOML"),
        ("", "sources.toml:1: no source is declared: add a table [[source]]"),
        ("\n[source]\nname = 1", "sources.toml:2: a source is a table of its own: write [[source]]"),
        ("source = [1]", "sources.toml:1: a source is a table of its own"),
        (FLEET + "\n[[sources]]\n", "sources.toml:5: unknown 'sources'"),
        ('\n\n[[source]]\ntopic = "a/{device}"', "sources.toml:3: `name` is missing: identifies the source"),
        (FLEET + 'topics = "b"', "sources.toml:4: unknown field `topics`: did you mean `topic`?"),
        (FLEET + "zzz = 1", "sources.toml:4: unknown field `zzz`: there are name, topic"),
        (FLEET + 'codec = "jason"', 'sources.toml:4: codec = "jason": it has to be \'headrace\', \'json\''),
        (FLEET + 'time_format = "epoch"', "sources.toml:4: time_format = \"epoch\": it has to be 'ms', 's'"),
        (FLEET + 'time_zone = "Mars/Base"', 'sources.toml:4: time_zone = "Mars/Base": not a time zone of the IANA'),
        (FLEET + 'time_zone = "../etc"', "not a time zone of the IANA database, such as Europe/Berlin"),
        (FLEET + 'decimal_comma = "yes"', 'sources.toml:4: decimal_comma = "yes": it has to be true or false'),
        (FLEET + "words = {on = 1, off = '0'}", 'sources.toml:4: words.off = "0": it has to be a number'),
        (FLEET + "words = {on = true}", "sources.toml:4: words.on = true: it has to be a number"),
        (FLEET + "words = {on = 1, ON = 0}", "'ON' and 'on' are one word, in whatever case, and stand for two numbers"),
        (FLEET + "metric_units = " + "[" * 5000, "sources.toml: arrays or tables are nested too deeply to be read"),
        (mapped(f'time = "{"(" * 900}a{")" * 900}"'), "a JMESPath expression that is nested too deeply"),
        (mapped(f'time = "a{"[*]" * 2000}"'), "a JMESPath expression that is nested too deeply"),
        (FLEET + 'metric_units = {t = "Grad"}', 'metric_units.t = "Grad": not an accepted UCUM code'),
        (FLEET + '\n[source.units]\nC = "Grad"', 'sources.toml:6: units.C = "Grad": not an accepted UCUM code'),
        (FLEET + 'units = {volt = {v = "Volt"}}', 'sources.toml:4: units.volt.v = "Volt": not an accepted UCUM code'),
        (FLEET + "units = {volt = 3}", "sources.toml:4: units.volt = 3: it has to be a text in quotes"),
        ('[[source]]\nname = "A 1"\ntopic = "a/{device}"', "sources.toml:2: name = \"A 1\": a name has lower-case"),
        ('[[source]]\nname = "a"\ntopic = 3', "sources.toml:3: topic = 3: it has to be a text or a list of texts"),
        ('[[source]]\nname = "a"\ntopic = []', "sources.toml:3: topic = []"),
        ('[[source]]\nname = "a"\ntopic = "a/#/b"', "sources.toml:3: topic = \"a/#/b\": the level '#' is neither"),
        ('[[source]]\nname = "a"\ntopic = ["a/{x}", "{x}/{x}"]', "a name stands twice in '{x}/{x}'"),
        ('[[source]]\nname = "a"\ntopic = "a/b"', "sources.toml:3: `topic`: nothing names the device: write {device}"),
        ('[[source]]\nname = "a"\ntopic = "{key}/{device}"', "sources.toml:3: `topic`: {key} has a meaning of its own"),
        (FLEET + 'values = "@"', 'sources.toml:4: `values`: is read with codec = "json" only'),
        (FLEET + 'device = "dev.id"', 'sources.toml:4: `device`: is a JMESPath into the payload, which is read with'),
        (FLEET + 'metric = "{device}"', '`metric`: is read with codec = "json" or "line-protocol" or "scalar" only'),
        (FLEET + 'preset = "tasmotta"', "sources.toml:4: unknown preset 'tasmotta': did you mean `tasmota`?"),
        (mapped('time = "a..b"'), 'sources.toml:6: time = "a..b": not a JMESPath expression: wrong at character 3'),
        (mapped('time = "a["'), 'sources.toml:6: time = "a[": not a JMESPath expression'),
        (mapped('time = ""'), 'sources.toml:6: time = "": not a JMESPath expression'),
        (mapped('time = "a || longest(b)"'), "JMESPath has no function longest"),
        (mapped('unit = {t = "a..b"}'), 'sources.toml:6: unit.t = "a..b": not a JMESPath expression'),
        (mapped('device = "{room}"'), "sources.toml:6: `device`: {room} is no level of 'a/{line}/{device}', which has"),
        (mapped('metric = "{line}"'), "sources.toml:6: `metric`: beside `values`, contains {key}"),
        (mapped('value = "v"'), "sources.toml:6: `value`: does not go with `values`"),
        (mapped('items = "a"\ndevices = "b"'), "sources.toml:6: `items`: does not go with `devices`"),
        (mapped('rename = {"*.a" = "*.*"}'), "sources.toml:6: `rename`: '*.*' has more * than '*.a'"),
        (mapped('flatten = ""'), 'sources.toml:6: flatten = ""'),
        (mapped('drop = "numbers"'), 'sources.toml:6: drop = "numbers": it has to be'),
        (FLEET.replace("fleet\"\n", 'fleet"\ncodec = "json"\n', 1), '`codec`: codec = "json" needs `values`'),
    ],
)  # fmt: skip
def test_each_mistake_has_its_line_and_says_what_to_write(text, expected):
    assert expected in one_mistake(text)


def test_all_mistakes_of_a_file_are_reported_in_the_order_of_their_lines():
    text = FLEET + 'codec = "x"\n\n[[source]]\nname = "b"\ntopic = 1\nsize = 2\n'
    assert [line.split(":")[1] for line in mistakes(text)] == ["4", "8", "9"]


def test_two_sources_of_one_name_are_a_mistake_of_the_second():
    text = FLEET + FLEET.replace("fleet/", "hall/")
    assert one_mistake(text) == "sources.toml:5: a source before is named 'fleet' too: rename one of them"


def test_a_filter_that_an_earlier_one_covers_gets_no_message():
    text = FLEET + '\n[[source]]\nname = "b"\ntopic = ["x/{device}", "fleet/a/telemetry"]\ndevice = "{login}"\n'
    assert one_mistake(text).startswith("sources.toml:7: 'fleet/a/telemetry' of 'b' gets no message: 'fleet/{device}/")


def test_a_filter_behind_one_that_passes_topics_over_may_get_them():
    wide = '[[source]]\nname = "a"\ntopic = "x/{device}"\nignore = "x/1"\n'
    sources = parse_sources(wide + '[[source]]\nname = "b"\ntopic = "x/1"\ndevice = "{login}"\n')
    assert sources.route("x/1", "me").source.name == "b"
    assert sources.route("x/2").source.name == "a"
    assert not sources.ignores("x/2")


def test_a_topic_that_is_passed_over_has_no_source_and_is_told_from_an_unknown_one():
    sources = parse_sources('[[source]]\nname = "a"\ntopic = "x/#"\nignore = "x/bridge/#"\ndevice = "{login}"\n')
    assert sources.route("x/bridge/state") is None
    assert sources.ignores("x/bridge/state")
    assert sources.route("y") is None
    assert not sources.ignores("y")


def test_the_fields_of_a_table_go_before_those_of_its_preset_and_tables_in_it_are_merged():
    text = '[[source]]\npreset = "tasmota"\ntopic = "t/{device}/S"\nexclude = "x"\n[source.words]\nopen = 1\n'
    [source] = parse_sources(text).sources
    assert source.name == "tasmota"
    assert source.topic == ("t/{device}/S",)
    assert source.exclude == ("x",)
    assert source.words == {"on": 1, "off": 0, "open": 1}
    assert source.time_format is TimeFormat.ISO8601


def test_a_mistake_that_follows_from_a_preset_is_on_the_line_of_the_table():
    assert one_mistake('\n[[source]]\npreset = "tasmota"\ncodec = "scalar"\n').startswith("sources.toml:2: `values`")


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_a_source(name):
    assert Source(**preset_fields(name)).name == name


def test_all_presets_stand_in_one_file_without_hiding_one_another():
    assert len(parse_sources("".join(f'[[source]]\npreset = "{name}"\n' for name in PRESETS)).sources) == len(PRESETS)


def test_a_template_makes_device_and_key_of_several_levels():
    sources = parse_sources(mapped('device = "{line}-{device}"'))
    routed = sources.route("a/4/press")
    assert (routed.device, routed.key, routed.levels) == ("4-press", "4-press", {"line": "4", "device": "press"})


def test_where_the_payload_names_the_device_the_key_is_the_topic():
    sources = parse_sources('[[source]]\nname = "a"\ntopic = "a/b"\ncodec = "json"\nvalues = "@"\ndevice = "id"\n')
    routed = sources.route("a/b")
    assert (routed.device, routed.key) == (None, "a/b")
    assert sources["a"].payload_names_device


def test_a_login_is_the_device_of_a_source_that_says_so():
    sources = Sources([Source(**preset_fields("thingsboard"))])
    routed = sources.route("v1/devices/me/telemetry", "press-1")
    assert (routed.device, routed.key) == ("press-1", "press-1")
    assert sources.route("v1/devices/me/telemetry").device is None


@pytest.mark.parametrize("codec", [codec for codec in Codec if codec is not Codec.JSON])
def test_a_source_of_any_format_needs_no_more_than_name_topic_and_codec(codec):
    assert Source(name="a", topic="a/{device}/{metric}", codec=codec).codec is codec


@given(st.text(max_size=60))
def test_any_text_is_read_or_reported(text):
    with contextlib.suppress(BadSources):
        parse_sources(text)


@given(st.dictionaries(st.sampled_from(sorted(Source.model_fields)), st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)))  # fmt: skip
def test_any_fields_make_a_source_or_a_pydantic_error(fields):
    try:
        Source(**fields)
    except ValueError:
        return
