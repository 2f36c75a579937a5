"""The benchmark of anomaly detectors, from a folder of labelled series to its page."""

import json
import re

import numpy as np
import pytest

from bench.nab import oracle
from bench.nab.__main__ import main
from bench.nab.evaluation import RULES, STARTS, evaluate
from bench.nab.labelled_series import UnusableSeries, read_folder
from bench.nab.scored_series import alerts_at, score
from models.detectors import ALERTS_PER_WEEK

N = 1_200
BEGIN = np.datetime64("2024-03-01T00:00:00")
DETECTORS = ("novelty", "gaussian")


def moment(place):
    return str(BEGIN + np.timedelta64(5 * int(place), "m")).replace("T", " ")


def write_series(path, values, times=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    times = [moment(place) for place in range(len(values))] if times is None else times
    lines = [f"{time},{value}" for time, value in zip(times, values, strict=True)]
    path.write_text("\n".join(["timestamp,value", *lines]) + "\n")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two groups, the second with two series of which one has no anomaly."""
    folder, rng = tmp_path_factory.mktemp("labelled"), np.random.default_rng(5)
    labels = {}
    for name, anomalies in {"pumps/one.csv": [900], "fans/one.csv": [500, 1000], "fans/two & three.csv": []}.items():
        values = np.sin(np.arange(N) / 20) + rng.normal(0, 0.1, N)
        labels[name] = [[moment(place - 20), moment(place + 20)] for place in anomalies]
        for place in anomalies:
            values[place : place + 4] += 9
        write_series(folder / "data" / name, values)
    (folder / "labels").mkdir()
    (folder / "labels" / "combined_windows.json").write_text(json.dumps(labels))
    return folder


def test_a_folder_is_read_with_its_windows_as_places(folder):
    series = {each.name: each for each in read_folder(folder)}
    assert list(series) == ["fans/one.csv", "fans/two & three.csv", "pumps/one.csv"]
    assert series["fans/one.csv"].windows == ((480, 520), (980, 1020))
    assert series["fans/one.csv"].group == "fans"
    assert series["fans/one.csv"].days(N - 1 - 288) == 1.0
    assert np.diff(series["fans/one.csv"].times).tolist() == [300_000] * (N - 1)


def test_a_later_start_moves_the_windows_and_drops_those_before_it(folder):
    series = next(iter(read_folder(folder)))
    assert series.without_first(500).windows == ((0, 20), (480, 520))
    assert series.without_first(521).windows == ((459, 499),)
    assert len(series.without_first(500)) == N - 500


def test_rows_without_a_number_are_left_out_and_counted(tmp_path):
    write_series(tmp_path / "a.csv", [1.0, "", "inf", 2.0, "nan"])
    (tmp_path / "labels.json").write_text('{"a.csv": []}')
    (series,) = read_folder(tmp_path)
    assert (series.values.tolist(), series.n_refused, series.group) == ([1.0, 2.0], 3, "")


def test_windows_that_overlap_are_one_and_one_without_readings_is_kept(tmp_path):
    write_series(tmp_path / "a.csv", range(5), [f"2024-01-0{day}T00:00:00Z" for day in range(1, 6)])
    windows = [["2024-01-03", "2024-01-04"], ["2024-01-02", "2024-01-03"], ["2024-01-04T06", "2024-01-04T18"]]
    (tmp_path / "windows.json").write_text(json.dumps({"a.csv": windows, "not/here.csv": []}))
    (series,) = read_folder(tmp_path, tmp_path / "windows.json")
    assert series.windows == ((1, 3), (4, 3))


@pytest.mark.parametrize(
    ("labels", "rows", "message"),
    [
        (None, "2024-01-01,1", r"There is no .*combined_windows.json and no .*labels.json. Wanted:"),
        ("{}", "2024-01-01,1", r"do not name a.csv. Give a file without anomalies an empty list"),
        ("{", "2024-01-01,1", "is no JSON"),
        ('{"a.csv": [["2024-01-01"]]}', "2024-01-01,1", "is not of the form"),
        ('{"a.csv": [["soon", "later"]]}', "2024-01-01,1", "cannot be read"),
        ('{"a.csv": []}', "yesterday,1", "Timestamps are ISO 8601"),
        ('{"a.csv": []}', "2024-01-01,high", "cannot be read"),
        ('{"a.csv": []}', "2024-01-01,nan", "no reading with a finite value"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, labels, rows, message):
    (tmp_path / "a.csv").write_text(f"timestamp,value\n{rows}\n")
    if labels is not None:
        (tmp_path / "labels.json").write_text(labels)
    with pytest.raises(UnusableSeries, match=message):
        read_folder(tmp_path)


@pytest.mark.parametrize("detector", DETECTORS)
def test_series_scored_side_by_side_are_scored_as_alone(folder, detector):
    series = read_folder(folder)
    together, _ = score(detector, [series[0], series[1].without_first(300), series[2]])
    (alone,), _ = score(detector, [series[2]])
    for column in ("scores", "thresholds", "expected_low", "alerts", "in_episode", "kinds"):
        np.testing.assert_array_equal(getattr(together[2], column), getattr(alone, column))
    assert alone.alerts.any()
    assert np.isnan(alone.scores[:50]).all()


@pytest.mark.parametrize("detector", DETECTORS)
def test_the_shipped_setting_is_among_the_tried_ones_and_gives_the_shipped_alerts(folder, detector):
    scored, _ = score(detector, read_folder(folder))
    for each, found in zip(scored, alerts_at(ALERTS_PER_WEEK, detector, scored), strict=True):
        np.testing.assert_array_equal(found, each.alerts)
    evaluation = evaluate(detector, read_folder(folder), RULES["nab"])
    assert all(evaluation.gap(measure.name) >= 0 for measure in evaluation.rule.measures)
    assert [len(figures) for figures in evaluation.rows[0].figures.values()] == [len(STARTS)] * 3


@pytest.mark.parametrize("rate", [ALERTS_PER_WEEK, 3.0, 30.0])
def test_another_setting_decides_on_each_series_by_itself(folder, rate):
    scored, _ = score("novelty", read_folder(folder))
    for each, found in zip(scored, alerts_at(rate, "novelty", scored), strict=True):
        np.testing.assert_array_equal(found, alerts_at(rate, "novelty", [each])[0])


@pytest.mark.parametrize("rule", RULES)
def test_the_command_prints_tables_and_writes_a_page_whose_links_lead_somewhere(folder, tmp_path, capsys, rule):
    main([str(folder), *DETECTORS, "--only", "--score", rule, "--page", str(tmp_path)])
    printed = capsys.readouterr().out
    assert "3 series, 3,600 readings, 3 windows" in printed
    assert ("the scoring rule is not checked" in printed) == (rule == "nab")
    for row in ("shipped decision (0.3 alerts a week)", "best threshold, each reading", "other groups' threshold"):
        assert printed.count(f"\n{row}") >= len(DETECTORS)
    page = (tmp_path / "index.html").read_text()
    assert "two &amp; three" in page
    sources = re.findall(r'src="([^"]+)"', page)
    assert len(sources) == 3 * len(DETECTORS)
    assert all("</svg>" in (tmp_path / source).read_text() for source in sources)
    anchors = set(re.findall(r'href="#([^"]+)"', page))
    assert len(anchors) == 4
    assert anchors <= set(re.findall(r'id="([^"]+)"', page))


def test_without_a_folder_the_command_says_where_the_data_are(capsys):
    with pytest.raises(UnusableSeries, match=r"git clone --depth 1 https://github\.com/numenta/NAB"):
        main([])
    with pytest.raises(SystemExit):
        main(["somewhere", "no-such-detector"])
    assert "no detector 'no-such-detector'" in capsys.readouterr().err


def test_published_scores_with_other_figures_stop_the_benchmark(tmp_path):
    labels = {}
    for group in oracle.GROUPS:
        name = f"{group}/a.csv"
        labels[name] = [[moment(40), moment(60)]]
        write_series(tmp_path / "data" / name, range(100))
        path = tmp_path / "results" / oracle.DETECTOR / group / f"{oracle.DETECTOR}_a.csv"
        path.parent.mkdir(parents=True)
        path.write_text("timestamp,value,anomaly_score\n" + f"{moment(0)},1,0.0\n" * 40 + f"{moment(0)},1,1.0\n" * 60)
    (tmp_path / "labels.json").write_text(json.dumps(labels))
    with pytest.raises(oracle.WrongScore, match="differs from the benchmark's"):
        main([str(tmp_path), "--only", "gaussian"])
