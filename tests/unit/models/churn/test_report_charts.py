"""Charts show names of any script and any length, and cut nothing off."""

import re
import unicodedata
from html import unescape
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.font_manager import findfont, get_font

from models.churn.report import charts
from models.churn.report.label_text import FONT, JOINERS, MAX_WIDTH_PT, shortened
from models.templates import code_span, template

NAMES = {
    "ideographs": "月額契約（二年間の自動更新つき）と追加の保証",
    "hangul": "한국어 고객 세그먼트 이름이 아주 길다",
    "arabic": "عقد شهري قابل للتجديد تلقائيا كل عام",
    "devanagari": "मासिक अनुबंध जो हर साल अपने आप बढ़ता है",
    "emoji": "👩‍👩‍👧‍👦🙂🚀🇩🇪💳📱🛰️🧾🏷️🪙📦🛒",
    "wide latin": "W" * 200,
    "narrow latin": "i" * 200,
    "combining": "é" * 60,
    "formula": "$x^2$ and $\\frac{a}{b}$",
    "markup": "</text><script>alert(1)</script>",
    "control": "two\nlines\tand\x00more",
    "nothing": "",
}


TEXT = st.text(max_size=300) | st.text(st.sampled_from("顧客契約한국🙂🚀Wmi "), min_size=20, max_size=300)


NO_JOINERS = dict.fromkeys(map(ord, JOINERS))


class Label(NamedTuple):
    text: str
    x: float
    anchor: str


def labels_of(svg: str) -> list[Label]:
    found = []
    for style, attributes, text in re.findall(r'<text style="([^"]*)"([^>]*)>([^<]*)</text>', svg):
        anchor = re.search(r"text-anchor: (\w+)", style)
        x = re.search(r'\bx="([\d.-]+)"', attributes)
        found.append(Label(unescape(text), float(x[1]) if x else 0.0, anchor[1] if anchor else "start"))
    return found


def least_width_pt(text: str) -> float:
    """What the text takes at least in a browser at 9 pt: an ideograph or an emoji is 1 em."""
    shown = [c for c in text if unicodedata.category(c) not in ("Mn", "Me", "Cf")]
    return 9 * sum(1.0 if unicodedata.east_asian_width(c) in "WF" else 0.28 for c in shown)


def by_category(*names: str) -> list[dict[str, object]]:
    return [{"value": name, "probability": 0.1 + 0.05 * n} for n, name in enumerate(names)]


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_name_of_any_script_is_text_inside_the_chart(name):
    svg = charts.dependence("contract", by_category(name, "other"))
    labels = labels_of(svg)
    assert not name or shortened(name) in [label.text for label in labels]
    ends = [label for label in labels if label.anchor == "end"]
    assert [label for label in ends if label.x < least_width_pt(label.text)] == []
    assert "<script" not in svg


@settings(max_examples=25, deadline=None)
@given(st.lists(TEXT, min_size=1, max_size=12, unique=True))
def test_no_name_is_cut_off_or_left_out(names):
    svg = charts.dependence("column", by_category(*names))
    ends = [label for label in labels_of(svg) if label.anchor == "end"]
    assert [label for label in ends if label.x < least_width_pt(label.text)] == []
    assert len(ends) >= len([name for name in names if shortened(name).strip()])


@given(TEXT)
def test_a_label_is_one_short_line_that_begins_like_the_name(name):
    label = shortened(name)
    assert label.translate(NO_JOINERS).isprintable()
    assert least_width_pt(label) <= MAX_WIDTH_PT + 9
    kept = label.removesuffix("…") if label != name else label
    assert kept == "".join(c if c.isprintable() or c in JOINERS else " " for c in name)[: len(kept)]


def test_categories_that_begin_alike_have_a_bar_each():
    names = [f"Monthly contract with automatic renewal, variant {n}" for n in range(5)]
    labels = labels_of(charts.dependence("contract", by_category(*names)))
    assert len([label for label in labels if label.text.startswith("Monthly contract")]) == 5


def test_an_emoji_of_several_parts_stays_one():
    assert shortened("👩‍👧 family") == "👩‍👧 family"


def test_axes_have_the_names_of_the_field():
    report = {
        "roc": {"false_alarm_rate": [0, 1], "recall": [0, 1]},
        "precision_recall": {"recall": [0, 1], "precision": [1, 0]},
        "calibration": {"predicted": [0.1, 0.9], "observed": [0.2, 0.8], "standard_error": [0.1, 0.1]},
        "data": {"positive_rate": 0.5},
    }
    for chart, axes in {
        charts.roc: {"false positive rate", "true positive rate"},
        charts.precision_recall: {"recall", "precision"},
        charts.calibration: {"mean predicted probability", "fraction of positives"},
    }.items():
        assert axes <= {label.text for label in labels_of(chart(report))}


def test_the_caption_has_the_whole_name_and_says_what_was_left_out():
    name = "months since the contract began, or was renewed, whatever came last"
    assert charts.caption(name, by_category("a", "b")) == f"Partial dependence on {name}."
    many = by_category(*(f"town {n}" for n in range(40)))
    assert "12 of 40 categories" in charts.caption(name, many)


@given(st.text(min_size=1, max_size=50).filter(str.strip))
def test_a_name_is_one_code_span_of_markdown(name):
    span = code_span(name)
    fence = re.match("`+", span)[0]
    assert "\n" not in span
    assert span.endswith(fence)
    assert fence not in span[len(fence) : -len(fence)]


def test_a_variable_that_a_template_was_not_given_is_an_error(tmp_path):
    (tmp_path / "page.html.j2").write_text("{{ name }}, {{ missing }}")
    with pytest.raises(Exception, match="'missing' is undefined"):
        template(str(tmp_path / "page.py"), "page.html.j2").render(name="x")


def test_html_is_escaped_and_markdown_is_not(tmp_path):
    for name in ("page.html.j2", "card.md.j2"):
        (tmp_path / name).write_text("{{ name }}")
    module = str(tmp_path / "page.py")
    assert template(module, "page.html.j2").render(name="<b>&") == "&lt;b&gt;&amp;"
    assert template(module, "card.md.j2").render(name="<b>&") == "<b>&"


def test_a_label_is_as_long_whatever_was_drawn_before():
    before = shortened("q" * 500)
    get_font(findfont(FONT)).set_size(20, 72)
    assert shortened("q" * 500) == before
