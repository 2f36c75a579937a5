"""What recommend_items writes is what serving reads: two rooms that do not know each other."""

from typing import Any

import numpy as np
import pytest

from models.recommend.online import list_json
from serving import stored_lists


@pytest.mark.parametrize("many", [0, 1, 50])
def test_a_list_of_the_job_is_read_as_it_was_written(many):
    items = [f"item-{number}" for number in range(many)]
    scores = np.linspace(2.0, 1.0, many)
    told: dict[str, Any] = {
        "why": [number % 2 for number in range(many)],
        "reasons": ["popular", "trending"],
        "model_version": "v3",
    }
    stored = stored_lists.read(list_json.text(items, scores, 1_790_000_000_000, **told))
    shown = stored_lists.shown(stored, stored_lists.MAX_ITEMS, frozenset(), frozenset())
    assert [each["item"] for each in shown] == items
    assert [each["why"] for each in shown] == [told["reasons"][number % 2] for number in range(many)]
    assert (stored.model_version, stored.generated_at) == ("v3", 1_790_000_000_000)


def test_similar_items_of_the_job_are_read_too():
    stored = stored_lists.read(list_json.text(["a", "b"], np.array([2.0, 1.0]), 1_790_000_000_000))
    assert stored_lists.shown(stored, 1, frozenset(), frozenset()) == [{"item": "a", "score": 1.0}]
