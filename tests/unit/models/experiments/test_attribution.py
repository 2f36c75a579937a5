"""Exposures and interactions to one outcome a user."""

import random

import pytest

from models.experiments.attribution import HOUR_MS, Outcomes
from schemas.experiment import experiments_of
from schemas.exposure import Exposure
from schemas.interaction import Interaction

[EXPERIMENT] = experiments_of("""
[lists]
control = { share = 50, list = "popular" }
treatment = { share = 50, list = "personal" }
success = ["buy"]
within_h = 2
""")
TREATED, CONTROL = "lists/treatment", "lists/control"


def shown(user, arm, hour, exposure_id=None):
    exposure_id = exposure_id or f"{user}-{hour}"
    return Exposure(
        exposure_id=exposure_id, user=user, items=("a",), source="personal", arm=arm, event_time=int(hour * HOUR_MS)
    )


def bought(user, exposure_id, hour, action="buy"):
    return Interaction(user=user, item="a", action=action, event_time=int(hour * HOUR_MS), exposure_id=exposure_id)


def outcomes_of(experiment, exposures, interactions):
    outcomes = Outcomes(experiment)
    for exposure in exposures:
        outcomes.exposed(exposure)
    for interaction in interactions:
        outcomes.acted(interaction)
    return outcomes


def entered(exposures, interactions=()):
    return outcomes_of(EXPERIMENT, [*exposures, shown("clock", None, 100)], interactions).entered()


def test_a_user_counts_once_from_the_first_list_on():
    lists = [shown("a", TREATED, 1), shown("a", TREATED, 2), shown("b", CONTROL, 0)]
    assert entered(lists, [bought("a", "a-2", 2.5)]) == [(0, False, 0.0), (HOUR_MS, True, 1.0)]


@pytest.mark.parametrize(
    ("interaction", "counts"),
    [
        (bought("a", "a-1", 1.5), True),
        (bought("a", "a-1", 3.5), False),  # the time is over
        (bought("a", "a-1", 0.5), False),  # before the list
        (bought("a", None, 1.5), False),  # of itself
        (bought("a", "another", 1.5), False),  # a list of no arm
        (bought("a", "a-1", 1.5, action="view"), False),
        (bought("b", "a-1", 1.5), False),  # somebody else, to whom nothing was shown
    ],
)
def test_what_counts_as_a_success(interaction, counts):
    assert entered([shown("a", TREATED, 1)], [interaction]) == [(HOUR_MS, True, float(counts))]


def test_the_list_of_somebody_else_is_no_success_of_ones_own():
    lists = [shown("a", TREATED, 1), shown("b", CONTROL, 1)]
    assert entered(lists, [bought("b", "a-1", 1.5)]) == [(HOUR_MS, False, 0.0), (HOUR_MS, True, 0.0)]


def test_nobody_enters_before_their_time_is_over_not_even_who_succeeded():
    outcomes = outcomes_of(EXPERIMENT, [shown("a", TREATED, 1)], [bought("a", "a-1", 1.5)])
    assert outcomes.entered() == []
    outcomes.exposed(shown("clock", None, 3))
    assert outcomes.entered() == [(HOUR_MS, True, 1.0)]


def test_who_was_shown_both_arms_is_left_out_and_counted():
    outcomes = outcomes_of(EXPERIMENT, [shown("a", TREATED, 1), shown("a", CONTROL, 2), shown("clock", None, 9)], [])
    assert outcomes.entered() == []
    assert outcomes.moved == {"a"}
    assert not outcomes.exposed_users()


def test_order_and_copies_change_nothing():
    lists = [shown(f"u{n}", TREATED if n % 2 else CONTROL, n) for n in range(20)]
    acts = [bought(f"u{n}", f"u{n}-{n}", n + 0.5) for n in range(0, 20, 3)]
    expected = entered(lists, acts)
    random.Random(1).shuffle(lists)
    assert entered(lists + lists[:5], acts[::-1] + acts[:2]) == expected
    assert sum(outcome for _, _, outcome in expected) == len(acts)
