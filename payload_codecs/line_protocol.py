r"""InfluxDB line protocol: `measurement,tag=value field=1.5,other=2i 1719800000123000000`, a point a line.

The rules are those of InfluxDB's own parser where its reference is vague (docs/adr/0027): a comma, an equals sign or a
space in a name stands behind a backslash, any other backslash is a character like others; in a quoted string `\"` and
`\\` are escapes, and it may go on over the end of a line.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple, cast

from payload_codecs.codec import Item, Rejection, Sample
from payload_codecs.example import Example
from payload_codecs.message import Message
from schemas.limits import MAX_MESSAGE_ITEMS, MAX_NAME_LENGTH
from schemas.place import fill_template
from schemas.reject_reasons import RejectReason
from schemas.source import Source

_NAME = r"(?:[^\\,= \n]++|\\[,= ]?+)++"
_MEASUREMENT = r"(?:[^\\, \n]++|\\[, ]?+)++"
_STRING = r'"(?:[^"\\]++|\\.)*+"'
_STRING_OF_ONE_LINE = r'"(?:[^"\\\n]++|\\[^\n])*+"'
_OTHER_VALUE = r'(?!")[^, \t\r\n\0]++'


def _point(string: str) -> re.Pattern[str]:
    """A line with a point: its series, its fields, its time. Possessive quantifiers: no byte is tried twice."""
    field = rf"{_NAME}=(?:{string}|{_OTHER_VALUE})"
    return re.compile(
        rf"[ \t]*+(?!#)({_MEASUREMENT}(?:,{_NAME}={_NAME})*+)[ ]++({field}(?:,{field})*+)(?:[ ]++(-?+[0-9]{{1,19}}+))?+"
        rf"[ \t\r\0]*+(?:\n|\Z)",
        re.DOTALL,
    )


_POINT, _POINT_OF_LINES = _point(_STRING_OF_ONE_LINE), _point(_STRING)
_FIELD = re.compile(
    rf"({_NAME})="
    rf"(?:([-+]?+(?:[0-9]++\.?+[0-9]*+|\.[0-9]++)(?:[eE][-+]?+[0-9]++)?+)([iu]?+)(?=,|\Z)|({_STRING}|{_OTHER_VALUE}))",
    re.DOTALL,
)
_NO_POINT = re.compile(r"[ \t\r\0]*+(?:#[^\n]*+)?+(?:\n|\Z)")
_SERIES, _TAG = re.compile(_MEASUREMENT), re.compile(rf",({_NAME})={_NAME}")
_ESCAPED, _ESCAPED_IN_MEASUREMENT = re.compile(r"\\([,= ])"), re.compile(r"\\([, ])")
_ESCAPED_IN_STRING = re.compile(r'\\(["\\])')
_NOT_UTF8 = re.compile("[\udc80-\udcff]")
_BOOLEANS = {
    **dict.fromkeys(("t", "T", "true", "True", "TRUE"), True),
    **dict.fromkeys(("f", "F", "false", "False", "FALSE"), False),
}
_INTEGERS = {"i": (-(2**63), 2**63), "u": (0, 2**64)}


class LineSample(Sample, gc=False):
    """A field with the texts that make a line of its own of it: series without unused tags, and `field=value`."""

    series: str = ""
    field: str = ""


class _Named(NamedTuple):
    """What the items of a series share: the metric before and behind the field's name, the device, the tags to keep."""

    around_field: tuple[str | None, ...]
    device: str | None
    series: str

    def metric_of(self, field: str) -> str | None:
        """The metric of a field; None where the topic lacks a level of the template."""
        return None if None in self.around_field else field.join(cast(tuple[str, ...], self.around_field))


class LineProtocol:
    """A sample for each field of each point.

    The metric is `{measurement}.{field}`, or what the source's `metric` makes of these two and of the topic's levels.
    The device is the tag that the source names (`device = "tags.host"`), or the topic's; where neither the source nor
    the topic says it, the tag `device`. Other tags are not read. Times are in the source's `time_format`, without it
    nanoseconds. Numbers, integers (`2i`), unsigned integers (`2u`) and booleans are samples, and so is a string for
    which the source has a number in `words`; any other string is `bad_value`.

    A line that is no point, or that has a tag twice, is rejected with its number and bytes, a field whose value is none
    with its point; the others are read. Comments, which begin with `#`, and empty lines are no items.
    """

    def __init__(self, source: Source) -> None:
        tag = _tag(source)
        self._tag = tag and re.compile(rf"(?<!\\),{re.escape(_escaped(tag))}=({_NAME})")
        self._metric = (source.metric or "{measurement}.{field}").split("{field}")
        self._words = frozenset(word.casefold() for word in source.words)

    def decode(self, message: Message) -> Sequence[Item]:
        """The items of all lines, or one rejection of the whole payload."""
        if not message.payload:
            return [Rejection(RejectReason.EMPTY_PAYLOAD)]
        items: list[Item] = []
        for item in self._items(message):
            items.append(item)
            if len(items) > MAX_MESSAGE_ITEMS:
                return [Rejection(RejectReason.TOO_MANY_ITEMS)]
        return items or [Rejection(RejectReason.NOT_A_POINT, "the payload has comments and empty lines only")]

    def original(self, message: Message, sample: Sample) -> bytes:
        """A line with this field alone."""
        sample = cast(LineSample, sample)  # decode makes no others
        return _line(sample.series, sample.field, sample.time)

    def _items(self, message: Message) -> Iterator[Item]:
        # What is no UTF-8 becomes surrogates, which no UTF-8 contains: its line is rejected, its bytes come back.
        text = message.payload.decode("utf-8", "surrogateescape").removeprefix("\ufeff").rstrip("\0")
        named: dict[str, _Named | Rejection] = {}
        position, number = 0, 1
        while position < len(text):
            point = _POINT.match(text, position)
            if point is None and (passed := _NO_POINT.match(text, position)) is not None:
                position, number = passed.end(), number + 1
                continue
            # Linear: a line that goes on inside a string of the point before it cannot begin such a point itself, since
            # it ends outside of a string when it is read from its start. No part is tried in vain again and again.
            point = point or _POINT_OF_LINES.match(text, position)
            if point is None:
                end = text.find("\n", position) + 1 or len(text)
                yield _no_point(text[position:end], number)
                position, number = end, number + 1
                continue
            series = point[1]
            if series not in named:
                named[series] = self._named(series, message)
            yield from self._samples(point, number, named[series])
            number += text.count("\n", position, point.end())
            position = point.end()

    def _samples(self, point: re.Match[str], number: int, named: "_Named | Rejection") -> Iterator[Item]:
        if not point[0].isascii() and _NOT_UTF8.search(point[0]):
            yield Rejection(RejectReason.INVALID_UTF8, f"line {number}", _bytes(point[0]))
            return
        if isinstance(named, Rejection):
            yield Rejection(named.reason, f"line {number}: {named.detail}", _bytes(point[0]))
            return
        time = None if point[3] is None else int(point[3])
        for key, digits, suffix, other in _FIELD.findall(point[2]):
            value = _number(digits, suffix) if digits else self._other(other)
            written = f"{key}={digits}{suffix}{other}"
            if value is None:
                detail = f"line {number}: {_shown(written)} is no number in range and no boolean"
                yield Rejection(RejectReason.BAD_VALUE, detail, _line(named.series, written, time))
            else:
                metric = named.metric_of(_ESCAPED.sub(r"\1", key) if "\\" in key else key)
                yield LineSample(metric, value, time, device=named.device, series=named.series, field=written)

    def _named(self, series: str, message: Message) -> "_Named | Rejection":
        written = cast(re.Match[str], _SERIES.match(series))[0]
        measurement = _ESCAPED_IN_MEASUREMENT.sub(r"\1", written)
        if (repeated := _repeated(_TAG.findall(series, len(written)))) is not None:
            return Rejection(RejectReason.NOT_A_POINT, f"the tag {_shown(repeated)} stands there twice")
        tag = self._tag.search(series, len(written)) if self._tag else None
        device = None if tag is None else _ESCAPED.sub(r"\1", tag[1])
        # The names of a series stand in each of its items: a long one would multiply the payload.
        if len(measurement) > MAX_NAME_LENGTH:
            return Rejection(RejectReason.BAD_METRIC, f"the measurement has {len(measurement)} characters")
        if device is not None and len(device) > MAX_NAME_LENGTH:
            return Rejection(RejectReason.BAD_DEVICE, f"the device has {len(device)} characters")
        levels = {**message.levels, "measurement": measurement}
        around_field = tuple(fill_template(part, levels) for part in self._metric)
        return _Named(around_field, device, written if tag is None else f"{written}{tag[0]}")

    def _other(self, written: str) -> bool | str | None:
        """A boolean, or a string that the source has a number for; None for anything else."""
        if written[0] != '"':
            return _BOOLEANS.get(written)
        text = _ESCAPED_IN_STRING.sub(r"\1", written[1:-1])
        return text if text.strip().casefold() in self._words else None


def _tag(source: Source) -> str | None:
    """The tag that holds the device; None where the topic does."""
    if source.device_template is not None:
        return None
    return "device" if source.device is None else source.device.removeprefix("tags.").strip('"')


def _repeated(keys: list[str]) -> str | None:
    """A key that stands there more than once. InfluxDB's own parser refuses such a point, too: `duplicate tags`."""
    if len(set(keys)) == len(keys):
        return None
    return next(key for key, number in Counter(keys).items() if number > 1)


def _escaped(name: str) -> str:
    return re.sub(r"([,= ])", r"\\\1", name)


def _number(digits: str, suffix: str) -> float | int | None:
    if not suffix:
        number = float(digits)
        return number if math.isfinite(number) else None
    if len(digits) > 20 or not digits.removeprefix("-").isdigit():
        return None
    first, end = _INTEGERS[suffix]
    return integer if first <= (integer := int(digits)) < end else None


def _line(series: str, field: str, time: int | None) -> bytes:
    return _bytes(f"{series} {field}" if time is None else f"{series} {field} {time}")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _no_point(line: str, number: int) -> Rejection:
    if _NOT_UTF8.search(line):
        return Rejection(RejectReason.INVALID_UTF8, f"line {number}", _bytes(line))
    return Rejection(RejectReason.NOT_A_POINT, f"line {number} is no point: {_shown(line)}", _bytes(line))


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")


_FIRST = (
    b"# two boilers\n"
    b"boiler,host=b\\ 1,site=north temperature=61.5,pumps=2i,burning=true 1780000000123000000\n"
    b'boiler,host=b2 temperature=58,mode="eco" 1780000000123000000\n'
    b"boiler,host=b2 temperature=\n"
)


EXAMPLES = (
    Example(
        "The tag `host` is the device. A line that is no point, and a string, take nothing else with them.",
        'topic = "telegraf/#"\ncodec = "line-protocol"\ndevice = "tags.host"',
        "telegraf/heating",
        _FIRST,
        (
            Sample("boiler.temperature", 61.5, 1780000000123000000, device="b 1"),
            Sample("boiler.pumps", 2, 1780000000123000000, device="b 1"),
            Sample("boiler.burning", True, 1780000000123000000, device="b 1"),
            Sample("boiler.temperature", 58.0, 1780000000123000000, device="b2"),
            Rejection(RejectReason.BAD_VALUE, "line 3: 'mode=\"eco\"' is no number in range and no boolean"),
            Rejection(RejectReason.NOT_A_POINT, "line 4 is no point: 'boiler,host=b2 temperature=\\n'"),
        ),
    ),
    Example(
        "The topic names the device, the field is the metric, times are in seconds.",
        'topic = "meters/{device}/lines"\ncodec = "line-protocol"\nmetric = "{field}"\ntime_format = "s"',
        "meters/m-17/lines",
        b"power l1=230.5,l2=231 1780000000",
        (
            Sample("l1", 230.5, 1780000000),
            Sample("l2", 231.0, 1780000000),
        ),
    ),
)
