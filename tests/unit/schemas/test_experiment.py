"""Experiments as a file declares them, and who is in which arm."""

from collections import Counter

import pytest

from schemas.experiment import DEFAULT_LIST, BadExperiments, Plan, experiments_of

TWO = """
[first]
control = { share = 10, list = "popular" }
treatment = { share = 30, list = "personal" }

[second]
control = { share = 50, list = "personal" }
treatment = { share = 50, list = "trending" }
success = ["click", "buy"]
within_h = 1
"""
USERS = [f"user-{n}" for n in range(20_000)]


def test_arms_get_their_shares():
    counts = Counter(experiments_of(TWO)[0].arm_of(user) for user in USERS)
    assert counts["control"] / len(USERS) == pytest.approx(0.1, abs=0.01)
    assert counts["treatment"] / len(USERS) == pytest.approx(0.3, abs=0.015)


def test_a_user_stays_in_an_arm_that_grows():
    before, after = experiments_of(TWO)[0], experiments_of(TWO.replace("share = 30", "share = 60"))[0]
    assert all(after.arm_of(user) == "treatment" for user in USERS if before.arm_of(user) == "treatment")


def test_experiments_split_users_independently_and_a_user_is_in_one_at_most():
    first, second = experiments = experiments_of(TWO)
    found = Counter(Plan(experiments, DEFAULT_LIST).shown_to(user) for user in USERS)
    assert found["personal", "first/treatment"] == sum(first.arm_of(user) == "treatment" for user in USERS)
    control, treatment = found["personal", "second/control"], found["trending", "second/treatment"]
    assert control / (control + treatment) == pytest.approx(0.5, abs=0.02)
    assert second.success == ("click", "buy")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[a", "not TOML"),
        ("a = 1", "a is not a table"),
        ("[a]\ncontrol = { share = 50, list = 'popular' }", "experiment a: treatment: Field required"),
        (TWO.replace("share = 10", "share = 80"), "first: .*more than 100 percent"),
        (TWO.replace("[first]", "[First]"), "First: .*lower-case"),
        (TWO.replace("popular", "best"), "first: control.list"),
        (TWO.replace("within_h = 1", "within = 1"), "second: within"),
    ],
)
def test_what_is_no_experiment_is_named(text, said):
    with pytest.raises(BadExperiments, match=said):
        experiments_of(text)
