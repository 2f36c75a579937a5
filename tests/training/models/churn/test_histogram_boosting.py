"""Splits that stand clear of the learned values change nothing for these."""

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from models.churn.histogram_boosting import HistogramBoosting

OPTIONS = {"max_iter": 20, "max_leaf_nodes": 6, "early_stopping": False, "random_state": 1}


def learned():
    rng = np.random.default_rng(3)
    features = np.column_stack([rng.normal(size=2000), rng.integers(0, 2, 2000)]).astype(np.float32)
    return features, (features.sum(axis=1) + rng.normal(size=2000) > 0).astype(int)


def test_learned_rows_score_as_they_do_in_scikit_learn():
    features, labels = learned()
    plain, moved = (
        kind(**OPTIONS).fit(features, labels) for kind in (HistGradientBoostingClassifier, HistogramBoosting)
    )
    np.testing.assert_array_equal(plain.decision_function(features), moved.decision_function(features))


def test_no_split_is_a_learned_value():
    features, labels = learned()
    model = HistogramBoosting(**OPTIONS).fit(features, labels)
    nodes = np.concatenate([predictor.nodes for (predictor,) in model._predictors])
    splits = nodes[nodes["is_leaf"] == 0]
    assert len(splits) > 40
    for feature, threshold in zip(splits["feature_idx"], splits["num_threshold"], strict=True):
        assert threshold not in features[:, feature]
