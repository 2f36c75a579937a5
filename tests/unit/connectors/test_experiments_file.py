"""The file of experiments, as an instance that serves reads it while a person edits it."""

import pytest

from connectors.experiments_file import DECLARED, Ended, ExperimentsFile
from schemas.experiment import BadExperiments

LISTS = """
[lists]
control = { share = 50, list = "popular" }
treatment = { share = 50, list = "trending" }
"""


@pytest.fixture
def file(tmp_path):
    (tmp_path / DECLARED).write_text(LISTS)
    return ExperimentsFile(tmp_path)


def users_of(file, arm):
    return [user for user in map(str, range(50)) if file.all()[0].arm_of(user) == arm]


def test_without_a_file_everybody_is_shown_their_own_list(tmp_path):
    assert ExperimentsFile(tmp_path).plan().shown_to("a") == ("personal", None)


def test_users_are_shown_the_list_of_their_arm(file):
    assert {file.plan().shown_to(user) for user in users_of(file, "control")} == {("popular", "lists/control")}
    assert {file.plan().shown_to(user) for user in users_of(file, "treatment")} == {("trending", "lists/treatment")}


def test_a_change_of_the_file_is_seen_at_the_next_look(file):
    assert file.running()
    file.declared.write_text("")
    assert not file.running()
    file.declared.write_text(LISTS)
    assert file.running()


def test_who_was_in_a_stopped_experiment_is_shown_the_usual_list(file):
    file.end("lists", Ended(at_ms=1))
    assert {file.plan().shown_to(user) for user in map(str, range(50))} == {("personal", None)}
    assert [each.name for each in file.all()] == ["lists"]


def test_all_are_shown_a_promoted_list_and_other_readers_see_it(file, tmp_path):
    other = ExperimentsFile(tmp_path)
    assert other.running()
    file.end("lists", Ended(at_ms=1, list="trending"))
    assert {other.plan().shown_to(user) for user in map(str, range(50))} == {("trending", None)}


def test_the_promotion_that_came_last_counts(file):
    file.end("lists", Ended(at_ms=2, list="popular"))
    file.end("before", Ended(at_ms=1, list="trending"))
    assert file.plan().shown_to("a") == ("popular", None)


def test_a_file_that_is_none_says_so_at_each_look(file):
    file.declared.write_text("[lists]")
    for _ in range(2):
        with pytest.raises(BadExperiments, match="control: Field required"):
            file.all()
