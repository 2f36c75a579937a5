"""What bench-peers makes of its measurements: what a kill damaged, records per CPU second, the table."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.peers import environments
from bench.peers.comparison import Damage, damage
from bench.peers.cpu_samples import Sample, records_per_cpu_s
from bench.peers.expected import OfRiver, OfScorer
from bench.peers.programs import snapshot
from bench.peers.run import percentiles_ms
from bench.peers.systems import PEERS
from bench.peers.table import HEADER, HEADRACE, Row, table

SCORES = st.one_of(st.none(), st.floats(0, 20))


class SentReadings:
    """Readings of few series, counted as the bench sends them, without Kafka."""

    series = 20

    def __init__(self, values, count):
        self.values, self.count = values, count

    def device(self, number):
        return f"device-{number % self.series}"


@given(st.lists(SCORES, max_size=10_000), st.randoms())
def test_an_undisturbed_stream_has_no_damage_in_whatever_order_it_is_read(expected, random):
    found = list(enumerate(expected))
    random.shuffle(found)
    assert damage(expected, found) == Damage(0, 0, 0)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=2000))
def test_lost_and_doubled_are_counted_apart(copies):
    expected = [float(number) for number in range(len(copies))]
    found = [(number, expected[number]) for number, count in enumerate(copies) for _ in range(count)]
    doubled = sum(count - 1 for count in copies if count)
    assert damage(expected, found) == Damage(lost=copies.count(0), doubled=doubled, wrong=0)


def test_a_doubled_score_is_wrong_only_if_it_differs():
    assert damage([0.5], [(0, 0.5), (0, 0.5)]) == Damage(0, 1, 0)
    assert damage([0.5], [(0, 0.5), (0, 0.5000001)]) == Damage(0, 1, 1)


@pytest.mark.parametrize(("expected", "found"), [(None, 0.0), (0.0, None)])
def test_a_missing_score_is_not_the_score_zero(expected, found):
    assert damage([expected], [(0, found)]).wrong == 1


def test_a_score_of_a_reading_that_nobody_sent_is_an_error():
    with pytest.raises(IndexError):
        damage([0.5], [(1, 0.5)])


def test_the_first_half_is_warm_up():
    samples = [Sample(0, 0), Sample(100, 50.0), Sample(500, 60.0), Sample(1000, 61.0)]
    assert records_per_cpu_s(samples) == 500


def test_records_that_were_seen_once_are_counted_from_the_start():
    assert records_per_cpu_s([Sample(0, 1.0), Sample(1000, 3.0)]) == 500


@given(st.floats(1e-6, 1e-2), st.lists(st.integers(1, 10**6), min_size=1, max_size=500))
def test_constant_cost_is_found_whenever_it_is_looked_at(cost_s, steps):
    samples = [Sample(0, 3.0)]
    for step in steps:
        records = samples[-1].records + step
        samples.append(Sample(records, 3.0 + records * cost_s))
    assert records_per_cpu_s(samples) == pytest.approx(1 / cost_s, rel=1e-3)


@pytest.mark.parametrize(
    "samples", [[Sample(0, 1.0)], [Sample(0, 1.0), Sample(0, 9.0)], [Sample(0, 1.0), Sample(9, 1.0)]]
)
def test_a_system_that_wrote_nothing_has_no_rate(samples):
    with pytest.raises(ValueError, match="nothing to divide"):
        records_per_cpu_s(samples)


def test_the_table_compares_with_headrace_of_the_same_detector():
    rows = [
        Row("gaussian", HEADRACE, 50_000.0, (2000.0, 5100.0), (150.0, 400.0), Damage(0, 0, 0), 26.04),
        Row("gaussian", "loop", 200_000.0, (11.0, 16.0), (11.0, 16.0), Damage(1, 29_233, 3), 4.0),
        Row("half-space-trees", "loop", 10_000.0),
        Row("gaussian", "other", note="no wheel for this Python"),
    ]
    assert table(rows).splitlines() == [
        HEADER,
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        "| gaussian | Headrace | 50,000 | 1 | 2,000 / 5,100 | 150 / 400 | 0 / 0 / 0 | 26.0 |",
        "| gaussian | loop | 200,000 | 4 | 11 / 16 | 11 / 16 | 1 / 29,233 / 3 | 4.0 |",
        "| half-space-trees | loop | 10,000 |  |  |  |  |  |",
        "| gaussian | other | none: no wheel for this Python |  |  |  |  |  |",
    ]


def test_percentiles_are_in_milliseconds():
    p50, p99 = percentiles_ms([number / 1000 for number in range(1, 1001)])
    assert (round(p50), round(p99)) == (500, 991)


def test_every_peer_has_its_versions_locked_and_runs_the_same_river():
    for peer in PEERS:
        lines = (environments.REQUIREMENTS / f"{peer.environment}.txt").read_text().splitlines()
        assert all("==" in line for line in lines)
        assert "river==0.26.1" in lines


def test_every_program_of_a_peer_is_there(tmp_path):
    for peer in PEERS:
        command = peer.commands("python", "localhost:9092", "scores", "gaussian", tmp_path)[-1]
        program = command[1] if command[1] != "-m" else command[3].split(":")[0] + ".py"
        assert (Path(environments.__file__).parent / "programs" / program).is_file()


def test_a_snapshot_is_read_back_and_a_torn_one_is_not_looked_at(tmp_path):
    assert snapshot.load(tmp_path) == ({}, {})
    snapshot.save(tmp_path, {"device-1": 1.5}, {0: 7})
    (tmp_path / "snapshot.partial").write_bytes(pickle.dumps(({}, {}))[:5])
    assert snapshot.load(tmp_path) == ({"device-1": 1.5}, {0: 7})


@pytest.mark.parametrize("make", [lambda: OfRiver("gaussian"), lambda: OfScorer("gaussian")])
def test_expected_scores_do_not_depend_on_when_they_are_asked_for(make):
    values = np.random.default_rng(3).normal(20, 2, 9_999)
    whole, pieces = make(), make()
    for count in (1, 4321, 4322):
        assert len(pieces.scores(SentReadings(values, count))) == count
    found = pieces.scores(SentReadings(values, len(values)))
    assert found == whole.scores(SentReadings(values, len(values)))
    assert len(set(found)) > 1_000
