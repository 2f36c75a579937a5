"""How an experiment stands, and how a person ends it. From the topics: tests/end_to_end."""

import json
import random
import re
from io import StringIO

import pytest
from rich.console import Console
from typer.testing import CliRunner

from connectors.experiments_file import DECLARED, Ended, ExperimentsFile
from headrace.cli.main import app
from headrace.experiments.page import page
from headrace.experiments.result import result
from headrace.experiments.result_table import as_json, print_result
from models.experiments.attribution import Outcomes
from schemas.experiment import experiments_of
from schemas.exposure import Exposure
from schemas.interaction import Interaction

HOUR_MS = 3600 * 1000
DECLARATION = """
[lists]
control = { share = 50, list = "popular" }
treatment = { share = 50, list = "personal" }
within_h = 1
"""
[EXPERIMENT] = experiments_of(DECLARATION)


def outcomes(rates, users=3000, lost=0.0):
    """Users of one list each, a second apart; `lost`: the share of treated users whose list was never logged."""
    draw, made = random.Random(1), Outcomes(EXPERIMENT)
    for number in range(users):
        user, time_ms = f"user-{number}", number * 1000
        arm = EXPERIMENT.arm_of(user)
        if arm == "treatment" and draw.random() < lost:
            continue
        label = EXPERIMENT.label(arm)
        made.exposed(
            Exposure(exposure_id=user, user=user, items=("a",), source="personal", arm=label, event_time=time_ms)
        )
        if draw.random() < rates[arm]:
            made.acted(Interaction(user=user, item="a", action="buy", event_time=time_ms + 1, exposure_id=user))
    made.newest_ms += HOUR_MS
    return made


BETTER = {"control": 0.1, "treatment": 0.2}


def shown(found):
    console = Console(width=120, record=True, file=StringIO())
    print_result(found, console)
    return console.export_text()


def test_a_better_arm_is_named_with_what_to_do():
    found = result(outcomes(BETTER), None)
    assert found.interval.low > 0
    assert "headrace experiment promote lists treatment" in shown(found)
    assert as_json(found)["decided"]


def test_a_worse_treatment_promotes_the_control():
    found = result(outcomes({"control": 0.2, "treatment": 0.1}), None)
    assert "promote lists control" in found.verdict


def test_equal_arms_are_not_decided():
    found = result(outcomes({"control": 0.1, "treatment": 0.1}), None)
    assert "Nothing is decided" in found.verdict
    assert not as_json(found)["decided"]


def test_lost_users_of_one_arm_forbid_every_verdict():
    found = result(outcomes(BETTER, lost=0.3), None)
    assert found.is_mismatched
    assert "not come to the arms as declared" in shown(found)
    assert not as_json(found)["decided"]


def test_what_came_after_the_end_does_not_count():
    whole = result(outcomes(BETTER), None)
    ended = result(outcomes(BETTER), Ended(at_ms=1_000_000))
    users = sum(arm.users for arm in ended.arms.values())
    assert users == 1001
    assert ended.curve == whole.curve[:users]


def test_nobody_yet_is_said_as_it_is():
    found = result(Outcomes(EXPERIMENT), None)
    assert "too few users" in shown(found)
    assert as_json(found)["interval"] is None
    assert "Too few users" in page(found)


def test_the_page_has_verdict_counts_and_curve():
    found = result(outcomes(BETTER), None)
    html = page(found)
    assert found.verdict in html
    assert f"{found.arms['treatment'].successes:,}" in html
    assert html.count("<polygon") == html.count("<polyline") == 1


def test_what_an_experiment_declares_is_text_on_the_page():
    declared = EXPERIMENT.model_copy(update={"success": ("<script>alert(1)</script>", "köpa & mer")})
    html = page(result(Outcomes(declared), None))
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; or köpa &amp; mer" in html


def test_the_curve_of_many_users_stays_inside_its_drawing():
    html = page(result(outcomes(BETTER, users=5000), None))
    drawn = " ".join(re.findall(r'points="([^"]*)"', html))
    places = [tuple(map(float, place.split(","))) for place in drawn.split()]
    assert len(places) <= 3 * 1000
    assert all(64 <= x <= 750 and 16 <= y <= 290 for x, y in places)


@pytest.fixture
def home(tmp_path):
    (tmp_path / DECLARED).write_text(DECLARATION)
    return tmp_path


def run(home, *arguments):
    return CliRunner().invoke(app, ["experiment", *arguments, "--home", str(home)])


def test_ls_lists_what_is_declared_and_what_has_ended_without_a_stack(home):
    assert "running" in run(home, "ls").output
    run(home, "promote", "lists", "control")
    assert "stopped; all see the popular list" in " ".join(run(home, "ls").output.split())
    [only] = json.loads(run(home, "ls", "--json").output)
    assert (only["name"], only["ended"]["list"]) == ("lists", "popular")


def test_ls_of_a_home_without_experiments_says_how_to_declare_one(tmp_path):
    shown = run(tmp_path, "ls")
    assert (shown.exit_code, json.loads(run(tmp_path, "ls", "--json").output)) == (0, [])
    assert "docs/how-to/experiments.md" in shown.output


def test_a_stopped_experiment_has_no_arms_any_more(home):
    assert run(home, "stop", "lists").exit_code == 0
    assert ExperimentsFile(home).running() == []


def test_the_list_of_a_promoted_arm_is_for_all(home):
    done = run(home, "promote", "lists", "control")
    assert "all users are shown the popular list" in done.output
    assert ExperimentsFile(home).plan().shown_to("anybody") == ("popular", None)


def test_what_is_no_arm_and_no_experiment_is_refused(home):
    assert "neither control nor treatment" in run(home, "promote", "lists", "best").stderr
    assert "declares lists, and not other" in run(home, "stop", "other").stderr
    (home / DECLARED).write_text("[lists]")
    broken = run(home, "stop", "lists")
    assert broken.exit_code != 0
    assert "experiments.toml: experiment lists: control: Field required" in str(broken.exception) + broken.output


def test_status_without_experiments_says_where_they_are_declared(home):
    (home / DECLARED).write_text("")
    done = run(home, "status")
    assert done.exit_code != 0
    assert "declares no experiment" in str(done.exception) + done.output


def test_json_is_json():
    assert json.loads(json.dumps(as_json(result(outcomes(BETTER), Ended(at_ms=1, list="popular")))))["ended"]["list"]
