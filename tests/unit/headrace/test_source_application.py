"""`headrace source apply`: a changed file made to count, and what runs when something of it fails."""

from types import SimpleNamespace

import pytest

from connectors.flink_rest import FlinkUnavailable
from headrace.errors import SavepointFailed, SourcesNotApplied
from headrace.monitoring import alarms
from headrace.sources.application import SourceApplication
from headrace.sources.applied import Applied, AppliedSources, UnreadableAppliedSources
from headrace.sources.changes import changes
from headrace.sources.entrances import StackEntrances
from headrace.submission import SubmissionFailed
from jobs.names import CLEAN_TELEMETRY
from schemas.sources_file import BadSources

FLEET = '[[source]]\nname = "fleet"\ntopic = "fleet/{device}/telemetry"\n'
PLANT = '[[source]]\nname = "plant"\ntopic = "plant/{device}/{metric}"\ncodec = "scalar"\n'
SETTINGS = {"HEADRACE_JOB_BUCKETS": "16"}
OLD, NEW = FLEET, FLEET + PLANT


class Cluster:
    """Flink with one job in memory. A job is started with a text of sources and goes through `states`."""

    def __init__(self, text=OLD):
        self.text, self.state, self.steps = text, "RUNNING", []
        self.refused, self.never_runs, self.dies, self.is_away = set(), set(), set(), 0
        self.savepoint_fails = False
        self.savepoint = "s3://backup/savepoint-1"

    def state_of(self, name):
        assert name == CLEAN_TELEMETRY
        if self.is_away:
            self.is_away -= 1
            raise FlinkUnavailable("Flink does not answer")
        return self.state

    def all_run(self, names):
        return self.state == "RUNNING"

    def cause_of_end(self, name):
        return "FAILED: no state"

    def stop_with_savepoint(self, name):
        if self.savepoint_fails:
            raise SavepointFailed("no savepoint: disk full")
        assert self.state == "RUNNING"
        self.state, self.text = None, None
        self.steps.append("stop")
        return self.savepoint

    def cancel(self, name):
        if self.state is not None:
            self.steps.append("cancel")
            self.state = None

    def submit(self, savepoint, applied):
        text = applied.text
        assert self.state is None, "two jobs at once"
        assert savepoint == self.savepoint
        self.steps.append(("submit", text))
        if text in self.refused:
            raise SubmissionFailed("clean_telemetry: no slot")
        self.text = text
        self.state = None if text in self.dies else "RESTARTING" if text in self.never_runs else "RUNNING"


class Entrances:
    """A bridge and a listener; `stale` ones have run since before the file was written."""

    def __init__(self, steps):
        self.steps, self.stale = steps, []

    def older_than(self, file):
        return self.stale

    def all(self):
        return ["bridge", "listener-1"]

    def restart(self, names):
        self.steps.append(("restart", *names))


class Stack:
    """The application of a file, with everything around it in memory."""

    def __init__(self, folder):
        self.file, self.record = folder / "sources.toml", AppliedSources(folder / "flink" / "applied.json")
        self.file.write_text(NEW)
        self.record.submitted(Applied(OLD, SETTINGS))
        self.cluster, self.said = Cluster(), []
        self.entrances = Entrances(self.cluster.steps)

    def apply(self):
        SourceApplication(
            self.record,
            self.cluster,
            self.entrances,
            self.cluster.submit,
            self.said.append,
            running_within_s=0.02,
            pause_s=0.001,
        ).apply(self.file)


@pytest.fixture
def stack(tmp_path):
    return Stack(tmp_path)


def test_the_job_goes_on_from_its_savepoint_with_the_new_sources_before_the_entrances_restart(stack):
    stack.apply()
    assert stack.cluster.steps == ["stop", ("submit", NEW), ("restart", "bridge", "listener-1")]
    assert stack.record.read() == Applied(NEW, SETTINGS)
    assert stack.said[0] == "new: plant (plant/{device}/{metric})"
    assert stack.said[-1] == "sources.toml is applied"


def test_a_file_with_mistakes_stops_nothing_and_each_mistake_is_a_line(stack):
    stack.file.write_text('[[source]]\nname = "a"\ntopics = "b"\n[[source]]\nnme = "c"\n')
    with pytest.raises(BadSources) as raised:
        stack.apply()
    assert all(line.startswith(f"{stack.file}:") for line in str(raised.value).splitlines())
    assert len(str(raised.value).splitlines()) >= 2
    assert (stack.cluster.steps, stack.cluster.text, stack.said) == ([], OLD, [])


def test_a_removed_file_applies_the_default_source(stack):
    stack.record.submitted(Applied(NEW))
    stack.file.unlink()
    stack.apply()
    assert stack.cluster.steps[1] == ("submit", None)
    assert stack.record.read() == Applied(None)


@pytest.mark.parametrize("text", [OLD, OLD + "# a comment\n"])
def test_a_file_that_declares_what_runs_restarts_nothing(stack, text):
    stack.file.write_text(text)
    stack.apply()
    assert stack.cluster.steps == []
    assert not stack.record.differs_from(stack.file)
    assert stack.said == ["sources.toml declares what runs already: there is nothing to do"]


def test_an_entrance_that_an_earlier_application_did_not_reach_is_restarted_without_the_job(stack):
    stack.file.write_text(OLD)
    stack.entrances.stale = ["bridge"]
    stack.apply()
    assert stack.cluster.steps == [("restart", "bridge")]


@pytest.mark.parametrize("failure", ["refused", "dies", "never_runs"])
def test_where_the_new_job_does_not_run_the_old_one_goes_on_from_the_savepoint(stack, failure):
    getattr(stack.cluster, failure).add(NEW)
    with pytest.raises(SourcesNotApplied, match="runs with the sources that it had") as raised:
        stack.apply()
    reason = {"refused": "no slot", "dies": "FAILED: no state", "never_runs": "not within"}[failure]
    assert reason in str(raised.value)
    cancelled = ["cancel"] if failure == "never_runs" else []
    assert stack.cluster.steps == ["stop", ("submit", NEW), *cancelled, ("submit", OLD)]
    assert (stack.cluster.state, stack.cluster.text) == ("RUNNING", OLD)
    assert stack.record.read() == Applied(OLD, SETTINGS)
    assert stack.record.differs_from(stack.file)


def test_an_error_that_nobody_expected_leaves_the_old_job_running_and_its_traceback(stack):
    submit = stack.cluster.submit

    def fails_once(savepoint, applied):
        if applied.text == NEW:
            raise KeyError("a bug")
        submit(savepoint, applied)

    stack.cluster.submit = fails_once
    with pytest.raises(KeyError, match="a bug"):
        stack.apply()
    assert (stack.cluster.state, stack.cluster.text) == ("RUNNING", OLD)


def test_where_neither_starts_the_savepoint_is_kept_and_the_next_application_starts_from_it(stack):
    stack.cluster.refused = {OLD, NEW}
    with pytest.raises(SourcesNotApplied, match=r"no slot.*no slot.*savepoint-1.*headrace source apply"):
        stack.apply()
    assert stack.record.unfinished() == stack.cluster.savepoint
    stack.cluster.refused.clear()
    stack.cluster.steps.clear()
    stack.apply()
    assert stack.cluster.steps == [("submit", NEW), ("restart", "bridge", "listener-1")]
    assert stack.record.read() == Applied(NEW, SETTINGS)


def test_an_interrupted_application_goes_on_also_when_the_file_was_set_back(stack):
    stack.record.stopped(Applied(OLD, SETTINGS), stack.cluster.savepoint)
    stack.cluster.state, stack.cluster.text = None, None
    stack.file.write_text(OLD)
    stack.apply()
    assert stack.cluster.steps[0] == ("submit", OLD)
    assert stack.cluster.state == "RUNNING"


def test_without_a_savepoint_the_job_runs_on_as_it_was(stack):
    stack.cluster.savepoint_fails = True
    with pytest.raises(SavepointFailed, match="disk full"):
        stack.apply()
    assert (stack.cluster.steps, stack.cluster.text, stack.record.read()) == ([], OLD, Applied(OLD, SETTINGS))


def test_a_job_that_does_not_come_to_run_is_not_stopped(stack):
    stack.cluster.state = "RESTARTING"
    with pytest.raises(SourcesNotApplied, match=r"Nothing was done.*headrace status"):
        stack.apply()
    assert stack.cluster.steps == []


def test_flink_may_be_away_for_a_moment_while_the_new_job_starts(stack):
    submit = stack.cluster.submit

    def slowly(savepoint, applied):
        submit(savepoint, applied)
        answers = iter([False, False])
        stack.cluster.all_run = lambda names: next(answers, True)
        stack.cluster.is_away = 2

    stack.cluster.submit = slowly
    stack.apply()
    assert stack.record.read() == Applied(NEW, SETTINGS)


def test_without_the_job_the_stale_entrances_restart_and_submit_is_named(stack):
    stack.cluster.state = None
    stack.entrances.stale = ["bridge"]
    with pytest.raises(SourcesNotApplied, match="headrace submit clean_telemetry"):
        stack.apply()
    assert stack.cluster.steps == [("restart", "bridge")]


def test_a_job_whose_sources_nobody_recorded_is_not_stopped(stack):
    stack.record.path.unlink()
    with pytest.raises(SourcesNotApplied, match="nobody knows which sources"):
        stack.apply()
    assert stack.cluster.steps == []


def test_a_record_that_was_cut_is_an_error_with_what_to_do(stack):
    stack.record.path.write_text('{"text": "')
    with pytest.raises(UnreadableAppliedSources, match="Remove it"):
        stack.apply()
    assert stack.cluster.steps == []


def test_a_local_savepoint_that_is_gone_is_no_unfinished_application(tmp_path):
    record = AppliedSources(tmp_path / "applied.json")
    for location in (f"file:{tmp_path}/savepoint-1", f"file://{tmp_path}/savepoint-1"):
        record.stopped(Applied(OLD), location)
        assert record.unfinished() is None
    (tmp_path / "savepoint-1").mkdir()
    assert record.unfinished() == f"file://{tmp_path}/savepoint-1"


def test_the_applied_text_is_kept_to_the_byte(tmp_path):
    record, text = AppliedSources(tmp_path / "applied.json"), '# Größe \u2028 "\\"\r\n' + FLEET * 4000
    record.submitted(Applied(text))
    assert record.read() == Applied(text)


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        (None, FLEET, []),
        (FLEET, FLEET + "\n# comment\n", []),
        (FLEET, PLANT, ["new: plant (plant/{device}/{metric})", "gone: fleet (fleet/{device}/telemetry)"]),
        (FLEET + PLANT, PLANT + FLEET, ["order: plant, fleet"]),
        (FLEET, FLEET + 'time_format = "s"\n', ["changed: fleet (time_format)"]),
        ("no toml", FLEET, ["this release cannot read the sources that were applied; all are new to it"]),
    ],
)
def test_differences_are_those_of_the_sources_and_not_of_their_text(before, after, lines):
    assert changes(before, after) == lines


def process(state, start):
    return {"statename": state, "start": start}


def test_entrances_are_those_that_were_started_and_stale_ones_are_older_than_the_file(tmp_path):
    found = {
        "kafka": process("RUNNING", 0),
        "bridge": process("RUNNING", 1000),
        "listener-1": process("FATAL", 2**40),
        "listener-2": process("STOPPED", 0),
    }
    entrances = StackEntrances(SimpleNamespace(processes=lambda: found), lambda names: None)
    assert entrances.all() == ["bridge", "listener-1"]
    assert entrances.older_than(tmp_path / "sources.toml") == []
    (tmp_path / "sources.toml").write_text(OLD)
    assert entrances.older_than(tmp_path / "sources.toml") == ["bridge"]


def alarms_of(stack, stale=(), cleaning_runs=True):
    return [(each.wrong, each.next) for each in alarms.of_sources(stack.record, stack.file, stale, cleaning_runs)]


def test_status_says_that_the_file_differs_from_what_was_applied(stack):
    assert alarms_of(stack) == [("sources.toml has changed since it was applied", "headrace source apply")]
    stack.file.write_text(OLD)
    assert alarms_of(stack) == []
    assert "since bridge read it" in alarms_of(stack, ["bridge"])[0][0]


def test_status_says_that_an_application_did_not_end(stack):
    stack.record.stopped(Applied(OLD, SETTINGS), stack.cluster.savepoint)
    assert "was interrupted" in alarms_of(stack, cleaning_runs=False)[0][0]
    stack.file.write_text(OLD)
    assert alarms_of(stack) == []
