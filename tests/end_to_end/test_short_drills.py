"""The short set of the drills, on the session's stack. All of them: `make drills`.

Named to run last: a drill leaves readings behind, and jobs that were restarted.
"""

from dataclasses import replace

import pytest
from rich.console import Console

from drills.environment import Environment
from drills.registry import ALL
from drills.run import perform, unbalanced
from drills.stores import down_for

BY_NAME = {drill.name: drill for drill in ALL}
SHORT = (
    BY_NAME["bridge-killed"],
    BY_NAME["taskmanager-killed"],
    replace(BY_NAME["influxdb-down"], inject=down_for("influxdb", 10)),
)


@pytest.fixture(scope="module")
def stage(stack):
    stage = Environment(stack.layout, Console(quiet=True), disposable=False)
    stage.prepare()
    return stage


@pytest.mark.parametrize("drill", SHORT, ids=[drill.name for drill in SHORT])
def test_nothing_is_lost_and_nothing_doubled(drill, stage):
    result = perform(drill, stage, print)

    assert result.problems == ()
    assert result.acknowledged == result.sent > 0
    assert result.counts.most_lost == result.counts.most_doubled == 0


def test_the_balance_holds_after_them(stage):
    assert unbalanced(stage.layout.endpoints) == []
