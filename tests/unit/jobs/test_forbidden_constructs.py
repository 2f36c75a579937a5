"""What loses data, costs a hidden Python stage or has no identity stands not in jobs/ or flink/ (docs/adr/0004).

tests/mini_cluster/test_pyflink_findings.py shows the losses.
"""

from pathlib import Path

import pytest

import flink
import jobs
from tests.unit.jobs.forbidden_constructs import RULES, complaints

FILES = sorted(path for package in (jobs, flink) for path in Path(package.__path__[0]).rglob("*.py"))

BAD = [
    ("timer", "class F(KeyedProcessFunction):\n    def on_timer(self, timestamp, ctx): ..."),
    ("timer", "ctx.timer_service().register_event_time_timer(1)"),
    ("timer", "timers.register_processing_time_timer(1)"),
    ("window", "from pyflink.datastream.window import TumblingEventTimeWindows"),
    ("window", "import pyflink.datastream.window"),
    ("window", "from pyflink.datastream import window"),
    ("window", "keyed.window(assigner)"),
    ("window", "stream.count_window_all(10)"),
    ("window", "class W(ProcessWindowFunction): ..."),
    ("state_ttl", "descriptor.enable_time_to_live(config)"),
    ("state_ttl", "from pyflink.datastream.state import StateTtlConfig"),
    ("async", "class Sink(AsyncFunction): ..."),
    ("async", "AsyncDataStream.unordered_wait(stream, Sink(), Time.seconds(1), 10, Types.LONG())"),
    ("async", "class F(AsyncScalarFunction): ..."),
    ("async", "@udf(result_type=DataTypes.BIGINT())\nasync def look_up(key): ..."),
    ("output_type", "stream.process(F()).uid('f').name('f')"),
    ("output_type", "stream.map(str).uid('f').name('f')"),
    ("output_type", "stream.flat_map(f).uid('f').name('f')"),
    ("output_type", "ValueStateDescriptor('scorer', Types.PICKLED_BYTE_ARRAY())"),
    ("output_type", "write = udf(Writer(), func_type='pandas')"),
    ("output_type", "@udtf()\ndef split(text): ..."),
    ("key_by", "stream.key_by(lambda row: row[0])"),
    ("key_by", "stream.key_by(key, key_type=Types.INT())"),
    ("identity", "stream.process(F(), output_type=T)"),
    ("identity", "stream.process(F(), output_type=T).uid('f')"),
    ("identity", "stream.process(F(), output_type=T).name('f')"),
    ("identity", "scored = stream.process(F(), output_type=T)\nother.uid('f').name('f')"),
    ("identity", "scored = stream.process(F(), output_type=T).uid('f')\nscored.print()"),
    ("identity", "stream.uid('f').name('f').filter(wanted)"),
    ("identity", "stream.sink_to(sink)"),
    ("identity", "env.from_source(source, watermarks, 'readings')"),
]

GOOD = [
    "stream.process(F(), output_type=T).uid('f').name('f')",
    "scored = stream.process(F(), output_type=T)\ntables.from_data_stream(scored.uid('f').name('f'))",
    "scored = stream.process(F(), output_type=T).name('f')\nscored.uid('f')",
    "keyed = key_by(tables, table, Types.INT(), BYTES)",
    "udf(Writer(), result_type=DataTypes.STRING(), func_type='pandas')",
    "names = list(map(str, numbers))",
    "window = row.window\ntimer = None",
]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_file_uses_what_loses_data_or_hides_a_stage(path):
    assert [str(complaint) for complaint in complaints(path.read_text())] == []


@pytest.mark.parametrize(("rule", "source"), BAD)
def test_each_rule_finds_what_breaks_it(rule, source):
    assert rule in {complaint.rule for complaint in complaints(source)}


def test_every_rule_has_a_source_that_breaks_it():
    assert {rule for rule, _ in BAD} == set(RULES)


@pytest.mark.parametrize("source", GOOD)
def test_what_is_allowed_is_not_complained_of(source):
    assert complaints(source) == []


def test_a_complaint_names_its_line_and_its_reason():
    (complaint,) = complaints("import pyflink\n\nstream.key_by(key)")
    assert str(complaint).startswith("line 3: key_by: a Python key costs")
