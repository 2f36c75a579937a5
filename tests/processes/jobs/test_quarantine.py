"""Batches with records that raise, or that kill the worker: workers here are real processes, forked and killed."""

import faulthandler
import itertools
import os
import signal
import time
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.operators.attempt_journal import AttemptJournal
from jobs.operators.quarantine import ATTEMPTS, MAX_QUARANTINED, Processing, Quarantine, Quarantined, RecordPositions
from schemas.errors import TransientError

TOPIC = "numbers"


class StoreAway(TransientError):
    """As a store's client raises."""


def segfault():
    faulthandler.disable()  # pytest's, which would print every thread
    os.kill(os.getpid(), signal.SIGSEGV)
    time.sleep(60)  # another thread may take the signal


def out_of_memory():
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


def leave():
    os._exit(3)


DEATHS = [segfault, out_of_memory, leave]


class Adder:
    """An operator with state: the sum of all numbers so far, which an attempt changes half when it raises."""

    def __init__(self, faults=None):
        self.faults, self.committed, self.total, self.attempts, self.undone = faults or {}, 0, 0, [], 0

    def attempt(self, numbers):
        self.attempts.append(list(numbers))
        for number in numbers:
            self.total += number
            if number in self.faults:
                self.faults[number]()
        return self.total

    def undo(self):
        self.undone += 1
        self.total = self.committed

    def quarantine(self, folder):
        processing = Processing(positions, split, self.attempt, self.undo)
        return Quarantine(AttemptJournal(folder, "job.add.0"), processing)

    def process(self, quarantine, numbers):
        """Sums, and the numbers that were set aside as texts."""
        answers = []
        for done in quarantine.run(numbers):
            if isinstance(done, Quarantined):
                answers.append(f"{done.batch[0]}")
            else:
                self.committed = done
                answers.append(done)
        return answers


def positions(numbers):
    return RecordPositions(TOPIC, [0] * len(numbers), list(numbers))


def split(numbers):
    return [[number] for number in numbers]


def raising(error):
    def fault():
        raise error

    return fault


def forked(work):
    """Runs it in a process of its own. Its answer, or how it ended if it was killed or left."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            with os.fdopen(writing, "w") as answer:
                answer.write(repr(work()))
            os._exit(0)
        finally:  # an exception must not return to pytest, which runs in the parent too
            os._exit(99)
    os.close(writing)
    with os.fdopen(reading) as answer:
        text = answer.read()
    _, status = os.waitpid(child, 0)
    return eval(text) if text else os.waitstatus_to_exitcode(status)


def restarted_until_done(folder, faults, batches):
    """As Flink does: a worker that ends takes all that it did along, and the next one begins at the checkpoint.

    The answers, and how often it was restarted.
    """

    def worker():
        adder = Adder(faults)
        quarantine = adder.quarantine(folder)
        return [answer for batch in batches for answer in adder.process(quarantine, batch)]

    for restarts in range(20):
        answers = forked(worker)
        if isinstance(answers, list):
            return answers, restarts
    raise AssertionError("the job restarts in a loop")


def test_a_batch_without_faults_is_one_attempt(tmp_path):
    adder = Adder()
    assert adder.process(adder.quarantine(tmp_path), [1, 2, 3]) == [6]
    assert adder.attempts == [[1, 2, 3]]


def test_a_record_that_raises_is_set_aside_at_once_and_its_siblings_are_processed_on_clean_state(tmp_path):
    adder = Adder({2: raising(ValueError("no twos"))})
    assert adder.process(adder.quarantine(tmp_path), [1, 2, 3]) == [1, "2", 4]
    assert adder.attempts == [[1, 2, 3], [1], [2], [2], [3]]
    assert adder.undone == ATTEMPTS


def test_a_library_that_exits_on_a_record_is_a_fault_as_any_other(tmp_path):
    adder = Adder({2: raising(SystemExit(1))})
    assert adder.process(adder.quarantine(tmp_path), [1, 2, 3]) == [1, "2", 4]


def test_what_is_set_aside_says_why_and_where(tmp_path):
    adder = Adder({2: raising(ValueError("no twos"))})
    (set_aside,) = (each for each in adder.quarantine(tmp_path).run([2]) if isinstance(each, Quarantined))
    assert tuple(set_aside.position) == (TOPIC, 0, 2)
    assert set_aside.detail.startswith("Traceback")
    assert set_aside.detail.rstrip().endswith("ValueError: no twos")


def test_an_exception_that_comes_once_sets_nothing_aside_and_leaves_no_suspect(tmp_path):
    errors = [ValueError("once")]
    adder = Adder({2: lambda: raising(errors.pop())() if errors else None})
    quarantine = adder.quarantine(tmp_path)
    assert adder.process(quarantine, [1, 2, 3]) == [1, 3, 6]
    adder.attempts.clear()
    assert adder.process(quarantine, [1, 2, 3]) == [12]
    assert adder.attempts == [[1, 2, 3]]


def test_an_error_of_the_surroundings_is_raised_and_never_a_records_fault(tmp_path):
    for _ in range(ATTEMPTS + 1):
        adder = Adder({2: raising(StoreAway("away"))})
        with pytest.raises(StoreAway):
            adder.process(adder.quarantine(tmp_path), [1, 2, 3])
    adder = Adder()
    assert adder.process(adder.quarantine(tmp_path), [1, 2, 3]) == [6]


@pytest.mark.parametrize("death", DEATHS)
@pytest.mark.parametrize("size", [1, 2, 1000])
def test_a_record_that_kills_three_workers_is_set_aside_and_all_others_are_processed(tmp_path, death, size):
    numbers = list(range(1, size + 1))
    poison = (size + 1) // 2
    answers, restarts = restarted_until_done(tmp_path, {poison: death}, [numbers])
    assert restarts == ATTEMPTS
    assert [each for each in answers if isinstance(each, str)] == [str(poison)]
    assert max((each for each in answers if isinstance(each, int)), default=0) == sum(numbers) - poison


def test_it_stays_set_aside_when_the_job_comes_back_to_it(tmp_path):
    restarted_until_done(tmp_path, {2: leave}, [[1, 2, 3]])
    assert restarted_until_done(tmp_path, {2: leave}, [[1, 2, 3]]) == ([1, "2", 4], 0)


def test_what_is_set_aside_slows_no_later_batch(tmp_path):
    adder = Adder({2: raising(ValueError)})
    quarantine = adder.quarantine(tmp_path)
    adder.process(quarantine, [1, 2, 3])
    adder.attempts.clear()
    adder.process(quarantine, list(range(4, 500)))
    assert len(adder.attempts) == 1


@settings(max_examples=25)
@given(data=st.data())
def test_wherever_batches_are_cut_those_that_kill_are_set_aside_and_no_others(tmp_path_factory, data):
    numbers = list(range(1, 30))
    poisons = data.draw(st.sets(st.sampled_from(numbers), max_size=3))
    cuts = sorted(data.draw(st.sets(st.sampled_from(numbers), max_size=6)))
    edges = [0, *cuts, len(numbers)]
    batches = [numbers[start:end] for start, end in itertools.pairwise(edges) if start < end]
    faults = {poison: data.draw(st.sampled_from([*DEATHS, raising(ValueError("bad"))])) for poison in poisons}
    answers, _ = restarted_until_done(tmp_path_factory.mktemp("attempts"), faults, batches)
    assert [int(each) for each in answers if isinstance(each, str)] == sorted(poisons)
    sums = [each for each in answers if isinstance(each, int)]
    assert max(sums, default=0) == sum(numbers) - sum(poisons)


def test_workers_that_are_killed_from_outside_cost_no_record(tmp_path):
    """Each is killed at another record, as by somebody who does not look where it is."""
    for at in (5, 2, 9, 1, 7, 3):
        assert forked(partial(worked, tmp_path, {at: out_of_memory})) == -signal.SIGKILL
    answers = forked(partial(worked, tmp_path, {}))
    assert [each for each in answers if isinstance(each, str)] == []
    assert answers[-1] == sum(range(1, 11))


def worked(folder, faults):
    adder = Adder(faults)
    return adder.process(adder.quarantine(folder), list(range(1, 11)))


def test_a_record_that_passed_alone_begins_anew(tmp_path):
    """Two deaths, then it passes, then two deaths again: never three in a row."""
    for _ in range(3):
        for _ in range(2):
            assert forked(partial(worked, tmp_path, {4: leave})) == 3
        answers = forked(partial(worked, tmp_path, {}))
        assert [each for each in answers if isinstance(each, str)] == []


def test_a_fault_that_every_record_meets_sets_aside_no_whole_stream(tmp_path):
    numbers = list(range(MAX_QUARANTINED + 10))
    adder = Adder(dict.fromkeys(numbers, raising(KeyError("a bug"))))
    quarantine = adder.quarantine(tmp_path)
    with pytest.raises(KeyError):
        adder.process(quarantine, numbers)
    again = Adder(adder.faults)
    with pytest.raises(KeyError):
        again.process(again.quarantine(tmp_path), numbers)
