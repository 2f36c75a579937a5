"""What a worker finds of its predecessor in the journal of attempts."""

import logging
import os
import shutil

import pytest

from jobs.operators.attempt_journal import FORGOTTEN_AFTER_S, AttemptJournal, Failures, RecordPosition

A, B = RecordPosition("readings", 0, 7), RecordPosition("readings", 1, 8)


@pytest.fixture
def clock():
    return [1_000_000.0]


@pytest.fixture
def journal(tmp_path, clock):
    """Makes the journal of a worker: the next one of the same subtask, unless told otherwise."""
    return lambda name="job.decode.0": AttemptJournal(tmp_path / "attempts", name, lambda: clock[0])


def counts(failures):
    return {position: each.count for position, each in failures.items()}


def noted(journal):
    """A worker that died while it processed A and B."""
    worker = journal()
    worker.open()
    worker.note("readings", [0, 1], [7, 8])
    return worker


def test_a_first_worker_finds_nothing(journal):
    assert journal().open() == {}


def test_what_a_worker_had_noted_when_it_ended_has_failed_once(journal):
    noted(journal)
    found = journal().open()
    assert counts(found) == {A: 1, B: 1}
    assert "ended without an exception" in found[A].error


def test_each_record_of_a_note_may_have_its_own_topic(journal):
    worker = journal()
    worker.open()
    worker.note(["readings", "scores"], [0, 0], [7, 7])
    assert counts(journal().open()) == {A: 1, RecordPosition("scores", 0, 7): 1}


def test_a_note_that_was_cleared_says_nothing(journal):
    noted(journal).clear()
    assert journal().open() == {}


def test_a_shorter_note_over_a_longer_one_is_read_alone(journal):
    worker = noted(journal)
    worker.note("readings", [0], [7])
    assert counts(journal().open()) == {A: 1}


def test_a_worker_that_dies_before_it_notes_anything_adds_nothing(journal):
    noted(journal)
    for _ in range(5):
        assert counts(journal().open()) == {A: 1, B: 1}


def test_deaths_of_workers_add_up(journal):
    for expected in (1, 2, 3):
        noted(journal)
        assert counts(journal().open()) == {A: expected, B: expected}


def test_what_is_remembered_replaces_what_was_known(journal):
    noted(journal)
    worker = journal()
    failures = worker.open()
    failures[A] = worker.failed_once_more(failures.pop(B), "ZeroDivisionError")
    worker.remember({A: failures[A]})
    assert journal().open() == {A: Failures(2, 1_000_000.0, "ZeroDivisionError")}


def test_failures_are_forgotten_in_time(journal, clock):
    noted(journal)
    journal().open()
    clock[0] += FORGOTTEN_AFTER_S
    assert counts(journal().open()) == {A: 1, B: 1}
    clock[0] += 1
    assert journal().open() == {}


def test_another_subtask_finds_nothing(journal):
    noted(journal)
    assert journal("job.decode.1").open() == {}


def test_a_lost_folder_counts_anew(journal, tmp_path):
    noted(journal)
    shutil.rmtree(tmp_path / "attempts")
    assert journal().open() == {}
    noted(journal)
    assert counts(journal().open()) == {A: 1, B: 1}


def test_a_note_that_is_cut_off_anywhere_says_nothing(journal, tmp_path):
    noted(journal)
    file = tmp_path / "attempts" / "job.decode.0.attempt"
    whole = file.read_bytes()
    for length in range(len(whole)):
        file.write_bytes(whole[:length])
        assert journal().open() == {}, length


def test_a_note_that_is_half_of_one_and_half_of_the_next_says_nothing(journal, tmp_path):
    noted(journal)
    file = tmp_path / "attempts" / "job.decode.0.attempt"
    before = file.read_bytes()
    worker = journal()
    worker.open()
    worker.note("readings", [3, 4], [5, 6])
    after = file.read_bytes()
    assert len(after) == len(before)
    differ = [place for place in range(len(after)) if before[place] != after[place]]
    for cut in range(differ[0] + 1, differ[-1] + 1):
        file.write_bytes(after[:cut] + before[cut:])
        (tmp_path / "attempts" / "job.decode.0.failures").unlink(missing_ok=True)
        assert journal().open() == {}, cut


def test_damaged_failures_are_forgotten_and_said(journal, tmp_path, caplog):
    noted(journal)
    journal().open()
    for damaged in (b"", b"[", b"[[1]]", b'[[["t",0,1],{"count":1}]]', b"\xff", b"7"):
        (tmp_path / "attempts" / "job.decode.0.failures").write_bytes(damaged)
        with caplog.at_level(logging.WARNING):
            assert journal().open() == {}
        assert "is damaged" in caplog.text
        caplog.clear()


def test_a_predecessor_that_has_not_ended_yet_writes_to_a_file_that_nobody_reads(journal):
    old = noted(journal)
    worker = journal()
    worker.open()
    worker.note("readings", [0], [7])
    old.clear()
    assert counts(journal().open()) == {A: 2, B: 1}


def test_without_a_folder_it_goes_on_without_a_journal_and_says_so_once(tmp_path, caplog):
    (tmp_path / "file").write_text("in the way")
    worker = AttemptJournal(tmp_path / "file" / "attempts", "job.decode.0")
    with caplog.at_level(logging.ERROR):
        assert worker.open() == {}
        for _ in range(3):
            worker.note("readings", [0], [7])
            worker.clear()
            worker.remember({A: Failures(1, 0, "")})
    assert len(caplog.records) == 1
    assert "not quarantined" in caplog.text


def test_on_a_full_disk_it_goes_on_without_a_journal_and_leaves_no_note(journal, tmp_path, caplog, limited_file_size):
    worker = journal()
    worker.open()
    with caplog.at_level(logging.ERROR), limited_file_size(64):
        worker.note("readings", [0] * 100, list(range(100)))
        worker.clear()
        worker.note("readings", [0], [7])
    assert len(caplog.records) == 1
    assert journal().open() == {}


@pytest.fixture
def limited_file_size():
    """Writes beyond so many bytes fail, as on a full disk."""
    import contextlib
    import resource
    import signal

    @contextlib.contextmanager
    def limit(size):
        before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            signal.signal(signal.SIGXFSZ, handler)

    return limit


def test_closed_it_leaves_no_file_open(journal):
    before = len(os.listdir("/proc/self/fd"))
    worker = noted(journal)
    worker.close()
    worker.note("readings", [0], [7])
    assert len(os.listdir("/proc/self/fd")) == before
