"""Pseudonyms: one for each user, and none for one whose key is destroyed."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.pseudonym_key import DEPTH, BadPseudonymKey, PseudonymKey
from connectors.pseudonyms import NoPseudonymKey, Pseudonyms, UnusableKeyFile

USERS = [f"u-{number}" for number in range(2_000)]
KEY = PseudonymKey.new()


def test_users_have_pseudonyms_of_their_own_that_do_not_change():
    pseudonyms = [KEY.pseudonym(user) for user in USERS]
    assert len(set(pseudonyms)) == len(USERS)
    assert pseudonyms == [PseudonymKey.parse(KEY.text()).pseudonym(user) for user in USERS]


def test_another_key_makes_other_pseudonyms():
    other = PseudonymKey.new()
    assert not {KEY.pseudonym(user) for user in USERS} & {other.pseudonym(user) for user in USERS}


@given(st.lists(st.sampled_from(USERS), min_size=1, max_size=20, unique=True))
def test_who_is_forgotten_gets_another_pseudonym_and_nobody_else_does(forgotten):
    later = KEY
    for user in forgotten:
        later = later.without(user)
    changed = {user for user in [*USERS[:200], *forgotten] if later.pseudonym(user) != KEY.pseudonym(user)}
    assert changed == set(forgotten)


def test_a_destroyed_leaf_is_below_no_node_that_is_left():
    way, _ = KEY._leaf("ann")
    later = KEY.without("ann")
    assert all(not way.startswith(each) for each in later.nodes)
    assert len(later.nodes) == DEPTH


def test_every_other_leaf_is_below_exactly_one_node():
    """So that no pseudonym is lost, and none could be made in two ways."""
    later = KEY
    for user in USERS[:50]:
        later = later.without(user)
    assert sum(2 ** (DEPTH - len(way)) for way in later.nodes) == 2**DEPTH - 50
    assert not any(a != b and b.startswith(a) for a in later.nodes for b in later.nodes)


def test_somebody_who_comes_back_is_a_stranger_and_can_be_forgotten_again():
    once = KEY.without("ann")
    twice = once.without("ann")
    assert len({key.pseudonym("ann") for key in (KEY, once, twice)}) == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "does not begin"),
        ("headrace pseudonym key 2\n- 00\n", "does not begin"),
        ("headrace pseudonym key 1\n", "no node"),
        ("headrace pseudonym key 1\n- " + "0" * 63 + "\n", "line 2 is no node"),
        ("headrace pseudonym key 1\n2 " + "0" * 64 + "\n", "line 2 is no node"),
        ("headrace pseudonym key 1\n" + "0" * 41 + " " + "0" * 64 + "\n", "line 2 is no node"),
    ],
)
def test_what_is_no_key_is_refused_without_telling_it(tmp_path, text, said):
    with pytest.raises(BadPseudonymKey, match=said):
        PseudonymKey.parse(text)
    (tmp_path / "key").write_text(text)
    with pytest.raises(UnusableKeyFile, match=said):
        Pseudonyms(tmp_path / "key")


def test_without_a_file_it_is_said_how_to_make_one(tmp_path):
    with pytest.raises(NoPseudonymKey, match="headrace up"):
        Pseudonyms(tmp_path / "key")


def test_a_key_that_was_written_anew_is_taken_at_the_next_look(tmp_path):
    path = tmp_path / "key"
    path.write_text(KEY.text())
    pseudonyms = Pseudonyms(path)
    pseudonyms.refresh()
    assert pseudonyms.of("ann") == KEY.pseudonym("ann")
    later = KEY.without("ann")
    (tmp_path / "new").write_text(later.text())
    os.replace(tmp_path / "new", path)
    assert pseudonyms.of("ann") == KEY.pseudonym("ann")
    pseudonyms.refresh()
    assert (pseudonyms.of("ann"), pseudonyms.of("ben")) == (later.pseudonym("ann"), KEY.pseudonym("ben"))


def test_a_file_that_breaks_leaves_the_key_and_is_counted(tmp_path, caplog):
    path = tmp_path / "key"
    path.write_text(KEY.text())
    pseudonyms = Pseudonyms(path)
    path.write_text("broken")
    pseudonyms.refresh()
    path.unlink()
    pseudonyms.refresh()
    assert pseudonyms.of("ann") == KEY.pseudonym("ann")
    assert pseudonyms.failures == 2
    assert "stays as it was" in caplog.text
