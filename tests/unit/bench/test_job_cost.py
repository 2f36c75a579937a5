"""What a record costs a job, however seldom or often the job is seen to move."""

from itertools import chain, pairwise, repeat

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bench.job_cost import WARM_FROM, costs

RECORDS = 600_000
JVM_US, PYTHON_US = 10, 150


class Job:
    """A job that is seen at the given numbers of records, one look after the other; each record costs the same."""

    def __init__(self, seen):
        self._seen = chain(seen, repeat(seen[-1]))
        self.count = 0
        self.marks = []

    def done(self):
        self.count = next(self._seen)
        return self.count

    def cpu(self):
        return 7 + JVM_US * self.count / 1e6, 3 + PYTHON_US * self.count / 1e6

    def mark(self):
        self.marks.append(self.count)

    def costs(self, windows):
        return costs(RECORDS, self.done, self.cpu, windows, self.mark, pause_s=0, stands_still_s=0)


PROGRESS = st.lists(st.integers(1, RECORDS - 1), max_size=30).map(lambda seen: [*sorted(seen), RECORDS])


@given(PROGRESS, st.integers(1, 5))
@example([RECORDS], 3)  # through at the first look
@example([1, RECORDS], 3)
@example([int(0.4 * RECORDS), int(0.9 * RECORDS), RECORDS], 3)  # a checkpoint behind several marks
@example([RECORDS // 2, RECORDS], 3)
def test_a_job_gives_a_figure_however_seldom_it_is_seen_to_move(seen, windows):
    seen = [count for last, count in pairwise([0, *seen]) if count > last]
    job = Job(seen)
    found = job.costs(windows)
    assert 1 <= len(found) <= windows
    for cost in found:
        assert (cost.jvm_us, cost.python_us) == pytest.approx((JVM_US, PYTHON_US))
    assert all(earlier.end == later.begin for earlier, later in pairwise(found))
    warm = all(job.marks[cost.begin] >= WARM_FROM * RECORDS for cost in found)
    assert warm == all(cost.is_warm for cost in found)


@given(st.integers(1, 5), st.integers(100, 5_000))
def test_a_job_that_is_seen_often_has_all_its_windows_warm_and_about_as_long(windows, step):
    job = Job([*range(step, RECORDS, step), RECORDS])
    found = job.costs(windows)
    assert len(found) == windows
    assert all(cost.is_warm for cost in found)
    lengths = [job.marks[cost.end] - job.marks[cost.begin] for cost in found]
    assert max(lengths) - min(lengths) <= 2 * windows * step


def test_a_job_that_stands_still_is_not_waited_for_without_end():
    job = Job([10, 20, 20])
    with pytest.raises(RuntimeError, match="stands still at 20 of 600000 records"):
        job.costs(1)
