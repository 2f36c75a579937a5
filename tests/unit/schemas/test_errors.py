"""The drawing of our exceptions is what the classes are."""

import importlib
import inspect
import pkgutil
import re

import pytest

from schemas import errors
from schemas.errors import HeadraceError, TerminalError, TransientError

PACKAGES = (
    "connectors",
    "drills",
    "examples",
    "flink",
    "headrace",
    "jobs",
    "models",
    "payload_codecs",
    "schemas",
    "serving",
    "stack",
)
NOT_IN_THE_TREE = {
    "payload_codecs.json_text.NoJsonText": "becomes a Rejection in the codec that called it",
    "payload_codecs.sparkplug_b.compression.UnreadableBody": "becomes a Rejection in the codec that called it",
    "payload_codecs.sparkplug_b.data_types.OutOfRange": "becomes a Rejection in the codec that called it",
    "connectors.pseudonym_key.BadPseudonymKey": "applications copy this file, which needs Python alone",
    "serving.errors.ApiError": "an answer of the API to a client",
    "connectors.cloudevent_attributes.TooManyAttributes": "an answer of the listener to a client",
    "connectors.mqtt_packets.PacketError": "an answer of the listener to a client",
    "connectors.listener.http_connection.HttpError": "an answer of the listener to a client",
    "flink.": "it imports nothing of ours (import-linter), and Flink reports what its workers raise",
}
KINDS = {TransientError: "transient", TerminalError: "terminal"}
LINE = re.compile(
    r"^(?P<branches>[│├└─ ]*)(?P<name>\w+)(?: +(?P<kind>transient|terminal))?(?: +\((?P<module>[\w.]+)\))?$"
)


@pytest.fixture(scope="module")
def classes():
    """Every exception class of ours, by where it is defined."""
    found = {}
    for package in PACKAGES:
        for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
            if module.name.endswith("__main__"):
                continue
            for name, each in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
                if issubclass(each, BaseException) and each.__module__ == module.name and not name.startswith("_"):
                    found[f"{module.name}.{name}"] = each
        for name, each in inspect.getmembers(importlib.import_module(package), inspect.isclass):
            if issubclass(each, BaseException) and each.__module__ == package:
                found[f"{package}.{name}"] = each
    return found


def kind_of(each):
    return next((word for kind, word in KINDS.items() if issubclass(each, kind)), "")


def drawn(each, below=""):
    """The lines of a class and of those below it, as the docstring should have them."""
    children = sorted({*each.__subclasses__()} - set(KINDS), key=lambda child: child.__name__)
    children = [child for child in children if parent_of(child) is each and is_ours(child)]
    for number, child in enumerate(children):
        is_last = number == len(children) - 1
        kind = f" {kind_of(child)}" if kind_of(child) else ""
        yield f"{below}{'└── ' if is_last else '├── '}{child.__name__}{kind} ({child.__module__})"
        yield from drawn(child, below + ("    " if is_last else "│   "))


def is_ours(each):
    return each.__module__.partition(".")[0] in PACKAGES and not each.__name__.startswith("_")


def parent_of(each):
    """Where it is drawn: the branch that it is of; one that is of none stands below the root."""
    bases = [base for base in each.__bases__ if issubclass(base, HeadraceError)]
    return next((base for base in bases if base not in KINDS), HeadraceError)


def all_below(each):
    for child in each.__subclasses__():
        yield child
        yield from all_below(child)


def test_the_drawing_is_what_the_classes_are(classes):
    tree = {*all_below(HeadraceError)} - set(KINDS)
    children = {child for child in tree if is_ours(child) and parent_of(child) is HeadraceError}
    expected = ["HeadraceError"]
    ordered = sorted(children, key=lambda child: child.__name__)
    for number, child in enumerate(ordered):
        is_last = number == len(ordered) - 1
        kind = f" {kind_of(child)}" if kind_of(child) else ""
        expected.append(f"{'└── ' if is_last else '├── '}{child.__name__}{kind} ({child.__module__})")
        expected += drawn(child, "    " if is_last else "│   ")
    found = [line for line in (errors.__doc__ or "").splitlines() if LINE.match(line) and line.strip()]
    assert found == expected, "schemas/errors.py should draw:\n" + "\n".join(expected)


def test_every_exception_of_ours_is_in_the_tree_or_is_excused(classes):
    outside = {name for name, each in classes.items() if not issubclass(each, HeadraceError)}
    assert {name for name in outside if not name.startswith(tuple(NOT_IN_THE_TREE))} == set()
    assert all(any(name.startswith(excused) for name in outside) for excused in NOT_IN_THE_TREE)


def test_every_exception_that_is_raised_is_of_exactly_one_kind(classes):
    for name, each in classes.items():
        if issubclass(each, HeadraceError) and each not in (HeadraceError, *KINDS):
            is_branch = any(is_ours(child) for child in each.__subclasses__())
            assert sum(issubclass(each, kind) for kind in KINDS) == (0 if is_branch else 1), name


def test_no_two_exceptions_have_one_name(classes):
    names = [name.rpartition(".")[2] for name in classes]
    assert sorted(names) == sorted(set(names))


def test_every_exception_says_when_it_is_raised_and_whether_it_is_transient(classes):
    """Those outside of the tree too: who reads one of them need not look for its base."""
    for name, each in classes.items():
        if each in (HeadraceError, *KINDS):
            continue
        words = (each.__dict__.get("__doc__") or "").lower()
        assert words.startswith(("raised ", "base of ")), f"{name}: its docstring does not say when it is raised"
        said = {kind for kind in KINDS.values() if kind in words}
        assert said, f"{name}: its docstring does not say whether it is transient"
        assert said == {kind_of(each)} or not kind_of(each), f"{name} is {kind_of(each)}"
