"""The client's JVM has the jar of our operators, and says so where it has not."""

import pytest

from flink.operators_jar import MissingJar, java_class


def test_what_python_calls_is_in_the_jar(environment):
    environment("operators_jar")
    for name in ("TableStages", "PseudonymFunction", "LatestRecordFunction"):
        java_class(name)  # raises MissingJar


def test_a_class_that_is_in_no_jar_names_the_command_that_builds_it(environment):
    environment("operators_jar")
    with pytest.raises(MissingJar, match="headrace setup"):
        java_class("NoSuchClass")
