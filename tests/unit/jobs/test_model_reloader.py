"""A champion that may not be there yet. What happens to a model that is there: test_score_customers.py."""

from headrace.model_store.publishing import publish
from jobs.operators.model_reloader import ModelReloader
from models.recommend.errors import RefusedRecommender


def load(folder):
    if folder.name == "bad":
        raise RefusedRecommender("its graph is not that of the contract")
    return folder.name


def promote(root, version):
    (root / "made").mkdir(exist_ok=True)
    publish(root, root / "made", version)


def test_there_may_be_no_model_until_one_is_promoted_that_can_be_used(tmp_path, caplog):
    clock = [0.0]
    followed = ModelReloader(tmp_path, load, RefusedRecommender, lambda: clock[0])
    assert followed.get() is None
    promote(tmp_path, "bad")
    clock[0] = 2.0
    assert followed.get() is None
    assert "no model" in caplog.text
    promote(tmp_path, "one")
    clock[0] = 4.0
    assert followed.get() == "one"
    promote(tmp_path, "bad")
    clock[0] = 6.0
    assert followed.get() == "one"


def test_the_first_look_is_at_once(tmp_path):
    promote(tmp_path, "one")
    assert ModelReloader(tmp_path, load, RefusedRecommender, lambda: 0.0).get() == "one"
