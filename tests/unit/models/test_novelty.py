"""The default detector: compiled as plain, on any magnitude, for years, and what it finds."""

import math
import shutil
import types
import zipfile

import numpy as np
import pytest

from bench.synthetic_series import FAMILIES
from models.detectors import Batch, Scorer, arrivals, calibration, decision, expected_range, runs
from models.detectors.compiled import cache_folder
from models.detectors.novelty import dictionary, rescaling, scaling, surprise, views
from models.detectors.novelty import fleet as novelty_fleet
from models.detectors.novelty.estimator import Novelty
from models.detectors.novelty.fleet import COLUMNS, WARM, NoveltyFleet
from schemas.anomaly_kind import AnomalyKind

RNG = np.random.default_rng
MINUTES_5 = 300_000


def scored(values, **settings):
    n = len(values)
    zeros = np.zeros(n, np.int64)
    scorer = Scorer("novelty", **settings)
    return scorer.step(Batch([("pump-1", "flow")] * n, MINUTES_5 * np.arange(n), values, zeros, np.arange(n), zeros))


def alerts(values, **settings):
    said = scored(values, **settings)
    return np.flatnonzero(said.episodes == MINUTES_5 * np.arange(len(values))).tolist()


def noise(n, seed=1):
    return RNG(seed).normal(20.0, 2.0, n)


def odd_inputs():
    rng = RNG(3)
    wild = rng.normal(size=900) * 10.0 ** rng.integers(-300, 300, 900)
    moving = noise(6000)
    moving[1500:] += 500
    moving[4000:] *= 40
    yield "wild", wild
    yield "moving", moving
    yield "constant", np.full(600, -7.25)
    yield "binary", (rng.random(900) < 0.2).astype(float)
    yield "counter", np.arange(3000.0) % 700
    yield "not finite", np.where(rng.random(900) < 0.1, np.inf, noise(900))
    yield "denormal", rng.normal(size=900) * 5e-324


def plain(module, names):
    """The functions of a module, and those of the others that they call, as Python runs them."""
    scope = dict(names)
    for name, value in vars(module).items():
        function = getattr(value, "py_func", None)
        if function is not None and function.__module__ == module.__name__:
            scope[name] = types.FunctionType(function.__code__, scope, name, function.__defaults__)
        else:
            scope.setdefault(name, value)
    return scope


@pytest.fixture(scope="module")
def plain_judge():
    from models.detectors import logarithm

    scope = {}
    for module in (logarithm, scaling, dictionary, surprise, views, rescaling, novelty_fleet):
        functions = plain(
            module, {name: value for name, value in scope.items() if isinstance(value, types.FunctionType)}
        )
        scope |= {name: functions[name] for name in functions if isinstance(functions[name], types.FunctionType)}
    for name in ("judge", "see", "nearest", "surprise", "rescale"):
        assert type(scope[name]) is types.FunctionType
    return scope["judge"]


@pytest.mark.parametrize(("name", "values"), list(odd_inputs()), ids=lambda each: each if isinstance(each, str) else "")
def test_the_compiled_detector_says_and_keeps_what_the_plain_one_does_bit_for_bit(name, values, plain_judge):
    values = values[:2600] if name != "moving" else values
    rows = np.zeros(len(values), np.int64)
    compiled_fleet, plain_fleet = NoveltyFleet(), NoveltyFleet()
    results = []
    for fleet, judge in ((compiled_fleet, novelty_fleet.judge), (plain_fleet, plain_judge)):
        fleet.grow(1)
        scores, kinds = np.empty(len(rows)), np.empty(len(rows), np.int8)
        with np.errstate(all="ignore"):
            judge(rows, values, scores, kinds, *(fleet._series[name] for name in COLUMNS))
        results.append((scores.tobytes(), kinds.tobytes(), fleet.snapshot()))
    assert results[0] == results[1]


@pytest.mark.parametrize(
    "module", [decision, expected_range, calibration, arrivals, runs], ids=lambda module: module.__name__
)
def test_every_part_is_compiled_from_a_plain_function(module):
    loops = {decision: "decide", expected_range: "ranges", calibration: "calibrate", arrivals: "follow"}
    loop = loops.get(module, "follow_run")
    assert callable(getattr(module, loop).py_func)


def test_a_change_of_any_source_has_machine_code_of_its_own(tmp_path):
    sources = tmp_path / "sources"
    (sources / "inner").mkdir(parents=True)
    file = sources / "inner" / "called.py"
    file.write_text("A = 1\n")
    before = cache_folder(sources, tmp_path, tmp_path)
    assert cache_folder(sources, tmp_path, tmp_path) == before
    file.write_text("A = 2\n")
    assert cache_folder(sources, tmp_path, tmp_path) != before


def test_sources_in_a_zip_have_the_machine_code_of_the_same_sources_in_a_folder(tmp_path):
    sources = tmp_path / "sources"
    (sources / "inner").mkdir(parents=True)
    (sources / "inner" / "called.py").write_text("A = 1\n")
    (sources / "calls.py").write_text("B = 2\n")
    packed = shutil.make_archive(str(tmp_path / "code"), "zip", sources)
    zipped = cache_folder(zipfile.Path(packed), tmp_path, tmp_path)
    assert zipped == cache_folder(sources, tmp_path, tmp_path)


def test_machine_code_is_kept_where_nobody_else_can_write_if_the_users_caches_cannot_be_written(tmp_path):
    (tmp_path / "sources").mkdir()
    (tmp_path / "caches").write_text("no folder")
    wanted, own = tmp_path / "caches", tmp_path / "own"
    kept = cache_folder(tmp_path / "sources", wanted, own).parent
    assert kept.parent == own
    assert kept.stat().st_mode & 0o077 == 0
    kept.chmod(0o777)
    assert cache_folder(tmp_path / "sources", wanted, own).parent != kept


def test_scores_begin_behind_the_warm_up_and_are_no_numbers_before():
    said = scored(noise(400))
    assert np.isnan(said.scores[:WARM]).all()
    assert np.isfinite(said.scores[WARM:]).all()
    assert not said.is_anomaly[:WARM].any()


@pytest.mark.parametrize("magnitude", [1e-300, 1e-12, 1.0, 1e12, 1e300])
@pytest.mark.parametrize("name", ["Gaussian", "AR(1)", "daily"])
def test_scores_do_not_depend_on_the_unit(name, magnitude):
    values = FAMILIES[name](RNG(2), 1500, 300.0)
    by_one, scaled_up = scored(values).scores[WARM:], scored(values * 2.0 ** round(math.log2(magnitude))).scores[WARM:]
    np.testing.assert_allclose(scaled_up, by_one, atol=1e-9)


def test_a_large_offset_with_small_noise_is_scored():
    values = 1e12 + np.round(RNG(1).normal(size=2000) * 64) / 64
    values[1700] += 12.0
    assert 1700 in alerts(values)


def test_values_that_are_not_finite_have_no_score_and_change_nothing():
    values = noise(900)
    with_gaps = np.insert(values, [250, 250, 600], [np.nan, np.inf, -np.inf])
    kept = np.isfinite(with_gaps)
    fleet, other = NoveltyFleet(), NoveltyFleet()
    fleet.grow(1)
    other.grow(1)
    found = fleet.step(np.zeros(len(with_gaps), np.int64), with_gaps)
    assert np.isnan(found[~kept]).all()
    np.testing.assert_array_equal(found[kept], other.step(np.zeros(900, np.int64), values))


def test_a_constant_scores_nothing_and_its_change_is_an_alert():
    values = np.full(3000, 7.0)
    assert not scored(values).is_anomaly.any()
    assert np.nanmax(scored(values).scores) == 0.0
    values[2000:] = 7.1
    assert alerts(values) == [2000]


def test_a_level_change_is_one_alert_and_is_then_learned():
    values = noise(6000)
    values[3000:] += 20
    found = [alert for alert in alerts(values, alerts_per_week=0.1) if alert >= 2900]
    assert found[0] == 3000
    assert len(found) == 1


@pytest.mark.parametrize("shift", [40.0, 400.0, 2e4])
def test_a_spike_is_found_after_any_lasting_change_of_level(shift):
    values = noise(30_000)
    values[8000:] += shift
    values[25_000] += 60.0
    found = alerts(values)
    assert 8000 in found
    assert {25_000, 25_001, 25_002} & set(found)


def test_a_rare_shape_that_comes_back_after_a_year_is_no_news():
    values = noise(110_000)  # a year at 5 minutes
    shape = 20.0 + 12.0 * np.sin(np.arange(24) / 24 * 2 * np.pi)
    for start in (3000, 5000, 7000, 105_000):
        values[start : start + 24] = shape
    said = scored(values)
    assert np.nanmax(said.scores[3000:3024]) > 2 * np.nanmax(said.scores[105_000:105_024])


def test_an_alert_has_the_kind_of_its_strangest_view():
    values = noise(4000)
    values[3000] = 90.0
    said = scored(values)
    assert said.kinds[3000] in {AnomalyKind.SPIKE, AnomalyKind.DRIFT, AnomalyKind.LEVEL}
    noisy = noise(4000)
    noisy[3000:] = 20.0 + 4.0 * (noisy[3000:] - 20.0)
    kinds = set(scored(noisy).kinds[3000:3100].tolist()) - {0}
    assert kinds


@pytest.mark.parametrize("name", [name for name in FAMILIES if name not in {"constant", "binary"}])
def test_the_expected_range_covers_99_of_100_readings(name):
    said = scored(values := FAMILIES[name](RNG(5), 20_000, 300.0))
    late = slice(2000, None)
    inside = (values[late] >= said.expected_low[late]) & (values[late] <= said.expected_high[late])
    assert 0.98 < inside.mean() <= 1.0
    assert np.isnan(said.expected_low[:WARM]).all()


@pytest.mark.parametrize("name", FAMILIES)
def test_series_without_anomalies_have_about_the_alerts_that_were_asked_for(name):
    found = sum(len(alerts(FAMILIES[name](RNG([9, seed]), 10 * 2016, 300.0), alerts_per_week=0.3)) for seed in range(8))
    assert found / 80 <= 0.3 * 3


def test_a_rate_that_is_higher_gives_more_alerts():
    values = FAMILIES["AR(1)"](RNG(4), 10 * 2016, 300.0)
    assert len(alerts(values, alerts_per_week=0.05)) < len(alerts(values, alerts_per_week=20.0))


@pytest.mark.parametrize("rate", [0.0, -1.0, math.inf, math.nan])
def test_a_rate_that_is_none_is_refused(rate):
    with pytest.raises(ValueError, match="alerts per week must be above 0"):
        Scorer("novelty", alerts_per_week=rate)


def test_rivers_interface_gives_the_scores_of_the_fleet():
    values, fleet, one = noise(420), NoveltyFleet(), Novelty()
    fleet.grow(1)
    found = fleet.step(np.zeros(420, np.int64), values)
    for value, score in zip(values.tolist(), found.tolist(), strict=True):
        said = one.score_one({"value": value})
        assert said == score or (math.isnan(said) and math.isnan(score))
        one.learn_one({"value": value})


def test_the_state_of_a_series_is_below_five_kilobytes():
    n = 256
    scorer, zeros = Scorer("novelty"), np.zeros(n, np.int64)
    for k in range(300):
        keys = [(f"pump-{row}", "flow") for row in range(n)]
        scorer.step(Batch(keys, np.full(n, k * MINUTES_5), noise(n, k), zeros, np.arange(n) + k * n, zeros))
    pages = scorer.changed_pages()
    assert len(pages[0]) / n < 5000
