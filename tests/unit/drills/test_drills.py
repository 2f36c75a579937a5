"""The engine of the drills, without a stack."""

import json
from collections import Counter

import pytest
from rich.console import Console
from typer.testing import CliRunner

from drills import registry
from drills.counts import Counts, missing, surplus
from drills.environment import Environment
from drills.errors import NotOurs
from drills.folder_owner import MARK
from drills.report import page, write
from drills.result import Result
from drills.stores_watch import StoreWatch
from drills.stream import NumberedStream
from drills.upgrades import DETECTOR_FILE, write_next_release
from headrace.cli.main import app
from headrace.errors import NotWithin
from headrace.polling import wait_until
from stack.layout import REPOSITORY, Layout


class RecordingPublisher:
    """Acknowledges at once."""

    def __init__(self):
        self.published = []
        self.acknowledged = 0

    def publish(self, device, payload):
        self.published.append((device, json.loads(payload)))
        self.acknowledged += 1

    def close(self, within_s):
        pass


@pytest.fixture
def stream():
    return NumberedStream(RecordingPublisher(), ["a", "b"])


@pytest.mark.parametrize("drill", registry.ALL, ids=registry.NAMES)
def test_the_line_that_protects_from_a_drill_is_where_it_says(drill):
    assert drill.protected_by.line in (REPOSITORY / drill.protected_by.file).read_text()


@pytest.mark.parametrize("drill", registry.ALL, ids=registry.NAMES)
def test_a_drill_that_may_lose_says_why(drill):
    assert bool(drill.may_lose) == bool(drill.why_lost)


def test_names_of_drills_are_unique():
    assert len(set(registry.NAMES)) == len(registry.NAMES)


def test_every_drill_is_listed_with_what_it_breaks():
    shown = CliRunner().invoke(app, ["drill", "ls"])
    assert shown.exit_code == 0
    assert all(name in shown.output for name in registry.NAMES)


def test_an_unknown_drill_is_named():
    shown = CliRunner().invoke(app, ["drill", "run", "earthquake"])
    assert shown.exit_code == 2
    assert "earthquake" in shown.stderr
    assert "headrace drill ls" in shown.stderr


def test_copies_are_sent_between_new_readings_and_do_not_count(stream):
    stream.send(4)
    stream.send_again(3)
    stream.start()
    wait_until("the copies", lambda: len(stream._publisher.published) > 7, 10)
    stream.finish()
    published = stream._publisher.published
    assert [(device, reading["seq"]) for device, reading in published[4:7]] == [("a", 0), ("b", 0), ("a", 1)]
    assert [published.count(each) for each in published[:4]] == [2, 2, 2, 1]
    assert stream.acknowledged == stream.sent == len(published) - 3


def test_readings_are_numbered_for_each_device_and_no_two_of_it_have_one_time(stream):
    stream.send(7)
    published = stream._publisher.published
    assert [(device, reading["seq"]) for device, reading in published[:5]] == [
        ("a", 0), ("b", 0), ("a", 1), ("b", 1), ("a", 2),
    ]  # fmt: skip
    for device, times in stream.times.items():
        assert times == [reading["ts"] for of, reading in published if of == device]
        assert times == sorted(set(times))
    assert stream.sent == stream.acknowledged == 7


def test_dated_readings_go_between_those_of_the_stream(stream):
    stream.send(2)
    stream.send_dated("late", [5, 6])
    stream.start()
    wait_until("what goes between", lambda: len(stream._publisher.published) >= 5, within_s=10)
    stream.finish()
    between = [(device, reading["ts"], reading["seq"]) for device, reading in stream._publisher.published[2:4]]
    assert between == [("late", 5, 0), ("late", 6, 1)]
    assert stream.times["late"] == [5, 6]
    assert stream.sent == stream.acknowledged == len(stream._publisher.published)


def test_a_stream_of_which_no_device_talks_sends_what_goes_between(stream):
    stream.talking = []
    stream.send_dated("late", [5, 6])
    stream.start()
    wait_until("what goes between", lambda: len(stream._publisher.published) == 2, within_s=10)
    stream.finish()
    assert [device for device, _ in stream._publisher.published] == ["late", "late"]


def test_a_reading_that_is_nowhere_is_lost_and_a_second_one_is_doubled():
    sent = {("a", 1), ("a", 2), ("b", 1)}
    found = Counter({("a", 1): 1, ("b", 1): 2})
    assert missing(sent, found) == 1
    assert surplus(sent, found) == 1


def test_a_reading_that_was_never_sent_is_doubled_too():
    assert surplus({("a", 1)}, Counter({("a", 1): 1, ("a", 9): 1})) == 1


def test_a_store_that_stands_still_shows_as_the_wait_of_its_oldest_reading(stream):
    stream.send(4)
    first_b = stream.times["b"][0]
    watch = StoreWatch(stream, dict, every_s=1)
    watch.update({"a": stream.times["a"][-1]}, now_ms=first_b + 9_000)
    assert watch.longest_s == pytest.approx(9)
    watch.update({"b": stream.times["b"][-1]}, now_ms=first_b + 60_000)
    assert watch.longest_s == pytest.approx(9)


def test_a_silent_device_is_not_waited_for(stream):
    watch = StoreWatch(stream, dict, every_s=1)
    watch.update({"a": 10}, now_ms=0)
    assert not watch.has_all_up_to(5)
    stream.talking = ["a"]
    assert watch.has_all_up_to(5)


def test_a_wait_ends_at_its_bound_and_says_for_what():
    with pytest.raises(NotWithin, match="the tide: not within 0 s"):
        wait_until("the tide", lambda: False, within_s=0)


def test_a_folder_that_drills_did_not_make_is_not_thrown_away(tmp_path):
    (tmp_path / "mine").write_text("kept")
    stage = Environment(Layout.of(tmp_path, 6400), Console(quiet=True))
    with pytest.raises(NotOurs, match="holds something else"):
        stage.prepare()
    stage.throw_away()
    assert (tmp_path / "mine").read_text() == "kept"


def test_a_folder_of_the_drills_is_thrown_away(tmp_path):
    home = tmp_path / "drills"
    home.mkdir()
    (home / MARK).touch()
    Environment(Layout.of(home, 6400), Console(quiet=True)).throw_away()
    assert not home.exists()


def test_the_next_release_differs_by_the_version_of_the_detector_only(tmp_path):
    release = tmp_path / "next"
    release.mkdir()
    version = write_next_release(release)
    changed = [
        path.relative_to(release).as_posix()
        for path in release.rglob("*.py")
        if path.read_text() != (REPOSITORY / path.relative_to(release)).read_text()
    ]
    assert changed == [DETECTOR_FILE]
    assert f"    version = {version}\n" in (release / DETECTOR_FILE).read_text()


def test_a_drill_that_did_not_run_now_keeps_its_row(tmp_path):
    path = tmp_path / "reliability.md"
    write(path, [Result("bridge-killed", sent=7, acknowledged=7, recovered_s=1.5, balanced=True)])
    write(
        path, [Result("redis-down", sent=9, acknowledged=9, counts=Counts({"Redis": 2}), problems=("2 lost in Redis",))]
    )
    shown = path.read_text()
    assert "| [bridge-killed](#bridge-killed) | 7 | 7 | 0 | 0 | 0 | 0 | 1.5 s | holds | yes |" in shown
    assert "| [redis-down](#redis-down) | 9 | 9 | 2 | 0 | 0 | 0 | never | differs | **no** |" in shown
    assert "**Failed**: 2 lost in Redis" in shown


def test_the_page_says_what_a_drill_was_not_seen_to_do(tmp_path):
    path = tmp_path / "reliability.md"
    write(path, [Result("influxdb-disk-full", skipped="a small disk is mounted for it, which needs root")])
    assert "Skipped: a small disk is mounted for it" in path.read_text()
    assert "| skipped |" in path.read_text()


def test_an_empty_page_has_the_head_of_the_table():
    assert "| drill | sent | acknowledged | lost |" in page({})
