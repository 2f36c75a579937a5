"""clean_telemetry has a short way for plain readings: it gives what the long way gives."""

import json
from dataclasses import dataclass

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.mini_cluster.file_tables import NOW_MS, Message
from tests.mini_cluster.outcomes import sent, word

PAIRS = 150

words = st.text("aZ_9./% -", min_size=1, max_size=6) | st.sampled_from(
    ["null", "true", "ts", "value", "values", "", "-", "0", "1.50", "00", "a,b", "a:b", "a\\b", 'a"b', "{", "é", "a\n"]
)
numbers = st.sampled_from([0, -0.0, 21.4, 1e300, 5e-324, 10**15, 10**16, -(10**14), 1e16, 0.1 + 0.2]) | st.floats(
    allow_nan=False, allow_infinity=False, width=32
)
scalars = st.none() | st.booleans() | numbers | words
documents = st.fixed_dictionaries(
    {"metric": st.sampled_from(["temperature", "level"]) | words, "value": numbers | numbers | scalars},
    optional={
        "ts": st.integers(NOW_MS - 10**9, NOW_MS) | scalars,
        "seq": st.integers(0, 2**63) | scalars,
        "unit": st.sampled_from(["Cel", "K", "m/s", "%", "[degF]"]) | scalars,
        "values": scalars,
        "firmware": scalars,
        "a, b": scalars,
        "": scalars,
    },
)


@dataclass(frozen=True)
class Pair:
    """One payload twice. White space before a JSON text means nothing, and sends it the long way."""

    short: Message
    long: Message


def pairs() -> list[Pair]:
    found: list[Pair] = []

    @settings(max_examples=PAIRS, phases=[Phase.generate], suppress_health_check=list(HealthCheck), database=None)
    @given(documents, st.sampled_from([(",", ":"), (", ", ": ")]), st.booleans())
    def collect(document: dict[str, object], separators: tuple[str, str], ascii_only: bool) -> None:
        payload = json.dumps(document, separators=separators, ensure_ascii=ascii_only)
        found.append(Pair(sent(payload), sent(" " + payload)))

    collect()
    return found


PAIRS_SENT = [
    *pairs(),
    *(
        Pair(sent(payload), sent(" " + payload))
        for payload in [
            '{"metric":"level","value":1,"value":2}',
            '{"metric":" level ","value":1,"unit":" "}',
            '{"metric":"level"," value":2, " value":3,"value":1}',
            '{"metric":"level","value":01}',
            '{"metric":"level","value":1.}',
            '{"metric":"level","value":1,}',
            '{"metric":"level","value":1}}',
            '{"metric":"level","value":1} ',
            '{"metric":"level" "value":1}',
            '{"metric":"level","value": 1,"ts":null,"unit":""}',
            '{"metric":"level","value":"null"}',
            '{"metric":level,"value":1}',
            "{}",
            json.dumps({"metric": "level", "value": 1} | {f"extra{i}": i for i in range(60)}),
        ]
    ),
]


def test_the_short_way_gives_what_the_long_way_gives(outcomes):
    for pair in PAIRS_SENT:
        assert said(outcomes, pair.short) == said(outcomes, pair.long), pair.short.payload


def test_readings_and_refusals_are_both_among_the_pairs(outcomes):
    said_of_all = [outcomes.said_of(pair.short) for pair in PAIRS_SENT]
    assert said_of_all.count(["reading"]) > 10
    assert len({reason for (reason,) in said_of_all}) > 6


def said(outcomes, message: Message) -> list[object]:
    return [
        (word(item), item.metric, item.value, item.event_time, item.unit, item.sequence)
        if word(item) == "reading"
        else word(item)
        for item in outcomes.of(message)
    ]
