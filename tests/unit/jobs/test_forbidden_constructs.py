"""What loses data or costs a hidden Python stage does not stand in jobs/ (docs/adr/0004 tells which and why)."""

import ast
import re
from pathlib import Path

import pytest

import jobs

FILES = sorted(Path(jobs.__path__[0]).rglob("*.py"))

FORBIDDEN = {
    "on_timer": "Python timers fire late and are lost on restore",
    "register_event_time_timer": "Python timers fire late and are lost on restore",
    "register_processing_time_timer": "Python timers fire late and are lost on restore",
    "WindowAssigner": "Python windows: cut windows in SQL",
    "TumblingEventTimeWindows": "Python windows: cut windows in SQL",
    "TumblingProcessingTimeWindows": "Python windows: cut windows in SQL",
    "SlidingEventTimeWindows": "Python windows: cut windows in SQL",
    "EventTimeSessionWindows": "Python windows: cut windows in SQL",
    "window": "Python windows: cut windows in SQL",
    "window_all": "Python windows: cut windows in SQL",
    "StateTtlConfig": "state that disappears changes results",
    "enable_time_to_live": "state that disappears changes results",
    "AsyncFunction": "what is in flight at a checkpoint is lost",
    "AsyncDataStream": "what is in flight at a checkpoint is lost",
    "key_by": "a Python key costs a Python stage: jobs/operators/java_key_by.py",
    "PICKLED_BYTE_ARRAY": "rows cross to the JVM as typed columns",
}
TYPED = {"map", "flat_map", "process"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_file_uses_what_loses_data_or_hides_a_stage(path):
    assert complaints(path.read_text()) == []


@pytest.mark.parametrize(
    "source",
    [
        "class F:\n    def on_timer(self, timestamp, ctx): ...",
        "ctx.timer_service().register_event_time_timer(1)",
        "from pyflink.datastream.window import TumblingEventTimeWindows",
        "stream.key_by(lambda row: row[0])",
        "stream.process(F())",
        "stream.map(str)",
    ],
)
def test_the_check_finds_what_it_looks_for(source):
    assert complaints(source)


def test_every_stage_in_python_has_a_uid():
    for path in FILES:
        source = path.read_text()
        assert len(re.findall(r"\.(?:process|flat_map)\(", source)) == len(re.findall(r"\.uid\(", source)), path.name


def complaints(source):
    found = []
    for node in ast.walk(ast.parse(source)):
        if (name := _name(node)) in FORBIDDEN:
            found.append(f"line {node.lineno}: {name}: {FORBIDDEN[name]}")
        if _lacks_a_type(node):
            found.append(f"line {node.lineno}: {node.func.attr}() without output_type pickles every row")
    return found


def _name(node):
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.FunctionDef | ast.alias):
        return node.name
    return node.id if isinstance(node, ast.Name) else None


def _lacks_a_type(node):
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in TYPED):
        return False
    return not any(keyword.arg == "output_type" for keyword in node.keywords)
