"""Tables that people have: each trains, exports and scores as its pipeline does, or is one line before the training."""

from html import unescape

import numpy as np
import pandas as pd
import pytest

from headrace.churn.training_run import run
from models.churn import ChurnModel
from models.churn.errors import UnusableTable
from models.churn.float32_scaler import Float32Scaler
from models.churn.onnx_model import MODEL_FILE
from models.churn.score_table import write_scores
from models.churn.settings import load_settings
from models.churn.tables import read_table, table_parts
from models.churn.training import prepare
from tests.unit.models.churn.customers import customers, noise

ROWS = 240
ODD_NAMES = [
    *(
        "Contract[type]",
        "Paper|less",
        "😀 mood",
        'say "hi"',
        "a,b",
        "a;b",
        "{json: 1}",
        "<b>html</b>",
        "'; DROP TABLE x;--",
    ),
    *(".*+?^$()", "$a^$b$_{", "back\\slash", "self", "row", "rows", "columns", "model", "numbers", "index", "name"),
    *("/constant_0", "/Concat_1", "//Cast_3", "__source_ts_ms", "text_rows", "x" * 500, "tab\there", "line\nbreak"),
    *("é", "e\u0301", "\u202eright to left", "nul\0nul", "%s %d {} {0}", "[bold]rich[/bold]", "class", "None", "nan"),
]

SIGNAL = {"$a^$b$_{": -2.5, "self": 1.5, "/Concat_1": 0.3, "Contract[type]": -1.0, "Paper|less": -0.2}


def small(**options):
    some = {"models": ("logistic", "lightgbm"), "trials": 1, "folds": 2, "repeats": 1, "inner_folds": 2}
    return load_settings(**(some | {"bootstraps": 50, "jobs": 1} | options))


def labelled(columns, seed=5, rate=0.3):
    n = len(next(iter(columns.values())))
    labels = np.where(np.random.default_rng(seed).random(n) < rate, "yes", "no")
    return pd.DataFrame(columns | {"churn": labels})


def rng():
    return np.random.default_rng(3)


def trained(tmp_path, table, **options):
    """The whole way of a file to its scores; the outcome, and the scores by the graph and by scikit-learn."""
    path = tmp_path / "table.csv"
    table.to_csv(path, index=False)
    settings = small(**options)
    prepared = prepare(read_table(path), settings)
    outcome = run(prepared, settings, lambda: None, None, tmp_path / "model")
    return prepared, outcome, path


def scores(tmp_path, path):
    write_scores(ChurnModel.load(tmp_path / "model"), table_parts(path), tmp_path / "scores.csv")
    return pd.read_csv(tmp_path / "scores.csv", dtype={0: str}, keep_default_na=False)


def odd_tables():
    n = ROWS
    alike = labelled({"plan": ["basic", "plus"] * (n // 2)})
    yield "no signal", labelled({"plan": rng().choice(["basic", "plus"], n), "region": rng().choice(list("nesw"), n)})
    yield "one category", alike
    yield "one number", labelled({"x": rng().integers(0, 9, n).astype(str)})
    yield (
        "a number of 1e300",
        labelled({"x": np.where(rng().random(n) < 0.6, "1e300", "-1e300"), "y": ["1", "2"] * (n // 2)}),
    )
    yield "numbers near nothing", labelled({"x": [f"{x:.3e}" for x in rng().normal(0, 1e-12, n)]})
    yield (
        "numbers below float32",
        labelled({"x": [f"{x:.3e}" for x in rng().normal(0, 1e-60, n)], "y": ["1", "2"] * (n // 2)}),
    )
    yield "infinities", labelled({"x": rng().choice(["inf", "-inf", "1", "2.5", "Infinity"], n)})
    yield "mostly missing", labelled({"x": ["3", "4"] + [""] * (n - 2), "y": rng().choice(list("ab"), n)})
    yield "missing words", labelled({"x": rng().choice(["NA", "-", "?", "nan", "7", "8", ""], n)})
    yield "long texts", labelled({"x": rng().choice(["a" * 9_000, "b" * 9_000, "c\n" * 900], n)})
    yield "60 categories", labelled({"x": [f"c{number % 60}" for number in range(n)]})
    yield "every row ten times", pd.concat([labelled({"x": rng().integers(0, 99, n // 4).astype(str)})] * 10)
    yield "NUL and controls", labelled({"x": rng().choice(["\x01", "a\x02b", "\x7f", "ok"], n)})
    yield "few leave", labelled({"x": rng().integers(0, 9, 4000).astype(str)}, rate=0.006)
    yield (
        "odd categories",
        labelled({"x": rng().choice(["$a$ ^_{", "<b>", '"', "'", "a,b", "😀", "NA", "None", "self"], n)}),
    )


@pytest.mark.parametrize(("what", "table"), list(odd_tables()), ids=lambda each: each if isinstance(each, str) else "")
def test_an_odd_table_trains_and_the_graph_scores_as_the_pipeline(tmp_path, what, table):
    _, outcome, path = trained(tmp_path, table)
    assert outcome.artifact.gate.flipped_labels == 0
    assert np.isfinite(outcome.artifact.contract.reasons.fidelity)
    written = scores(tmp_path, path)
    assert len(written) == len(table)
    scored = written["refused"] == ""
    if what not in ("infinities", "a number of 1e300"):  # refused by docs/how-to/churn.md
        assert scored.all()
    assert written["probability"][scored].astype(float).between(0, 1).all()


def test_a_table_without_signal_says_so_and_ranks_by_chance(tmp_path):
    table = labelled({"plan": rng().choice(["basic", "plus"], ROWS), "region": rng().choice(list("nesw"), ROWS)})
    _, outcome, _ = trained(tmp_path, table)
    assert outcome.validation.mean("chosen")["roc_auc"] == pytest.approx(0.5, abs=0.1)
    assert outcome.scores_alike


def test_columns_of_any_name_train_and_score(tmp_path):
    draw = rng()
    columns = {
        name: draw.integers(0, 9, ROWS).astype(str) if number % 2 else draw.choice(["a", "b"], ROWS)
        for number, name in enumerate(ODD_NAMES)
    }
    odds = sum(np.unique(columns[name], return_inverse=True)[1] * weight for name, weight in SIGNAL.items())
    left = draw.random(ROWS) < 1 / (1 + np.exp(-odds))
    table = pd.DataFrame(columns | {"churn": np.where(left, "yes", "no")})
    prepared, _, path = trained(tmp_path, table, models=["lightgbm"])
    assert len(prepared.schema.columns) == len(ODD_NAMES)
    written = scores(tmp_path, path)
    assert (written["refused"] == "").all()
    assert written["reasons"].str.contains("$a^$b$_{ is a", regex=False).any()
    assert (tmp_path / "model" / MODEL_FILE).is_file()


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (labelled({"x": ["", "NA"] * 120}), "blank in every row"),
        (labelled({"x": ["inf", "-inf"] * 120}), "no finite number"),
        (labelled({"x": ["1", "1.0", "1.00"] * 80}), "constant"),
        (labelled({"x": [f"c{number % 200} x" for number in range(10_000)]}), "too many categories: 200"),
        (labelled({"x": [f"c{number}" for number in range(10_000)]}), "identifier"),
        (labelled({"x": ["1", "2"] * 10}), "20 rows"),
        (labelled({"x": ["1", "2"] * 500}, rate=0.005), "too few"),
        (labelled({"x": ["1", "2"] * 500}, rate=0), "'no' in every row"),
        (customers(ROWS)[["churn"]], "nothing to learn from"),
        (labelled({"x": ["1", "2"] * 120}).assign(churn=["yes", "no", "maybe"] * 80), "has 3 values"),
    ],
)
def test_a_table_that_cannot_be_learned_from_is_one_line_before_the_training(table, words):
    with pytest.raises(UnusableTable, match=words) as raised:
        prepare(table.astype(object), small())
    assert "\n" not in str(raised.value)


def test_a_perfect_column_that_is_kept_trains(tmp_path):
    table = noise(ROWS, 2)
    table["knows"] = np.where(table["churn"] == "1", "9", "1")
    _, outcome, path = trained(tmp_path, table, keep=["knows"])
    assert outcome.validation.mean("chosen")["roc_auc"] == 1
    assert (scores(tmp_path, path)["refused"] == "").all()


def test_one_cell_longer_than_a_reader_takes_is_one_line(tmp_path):
    path = tmp_path / "long.csv"
    path.write_text("x,churn\n" + "a" * 200_000 + ",yes\n")
    with pytest.raises(UnusableTable, match=r"more than 131,072 characters\. Is a quote left open"):
        read_table(path)


def test_the_report_says_how_cells_were_read(tmp_path):
    table = labelled({"region": rng().choice(["EU", "NA"], ROWS), "price": rng().choice(["19,99", "4,50", "?"], ROWS)})
    trained(tmp_path, table, models=["logistic"])
    page = unescape((tmp_path / "model" / "report.html").read_text(encoding="utf-8"))
    assert f"region: 'NA' in {(table['region'] == 'NA').sum()} rows is a category" in page
    assert f"price: '?' in {(table['price'] == '?').sum()} rows counts as missing" in page
    assert "is read as 19.99" in page or "is read as 4.5" in page


@pytest.mark.parametrize("spread", [1e-3, 1e-9, 1e-12, 1e-30])
def test_a_number_of_any_spread_is_scaled_within_float32(spread):
    values = np.array([[-spread], [0], [spread]], np.float32)
    scaled = Float32Scaler().fit(values).transform(np.array([[1e30], [-1e30], [spread]], np.float32))
    assert np.isfinite(scaled).all()


@pytest.mark.parametrize("name", ["self", "$a^$", "/constant_0"])
def test_each_name_that_a_library_takes_for_its_own_trains(tmp_path, name):
    values = rng().choice(["a", "b"], ROWS)
    left = rng().random(ROWS) < np.where(values == "a", 0.2, 0.7)
    table = pd.DataFrame({name: values, "x": rng().choice(["1", "2"], ROWS), "churn": np.where(left, "yes", "no")})
    _, _, path = trained(tmp_path, table, models=["logistic"])
    assert (scores(tmp_path, path)["refused"] == "").all()
