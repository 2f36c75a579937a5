"""Scaling whose every rounding the exported graph repeats."""

from typing import Self

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin

from models.churn.numbers import Float32s

MAX_SCALE = 1e6
"""Numbers up to 1e30 times more than this, and then a model's weights, would leave float32."""


class Float32Scaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Mean 0 and deviation 1, computed in float32.

    scikit-learn's StandardScaler subtracts and divides in float64. A graph that does so in float32 gives another
    last bit, and a tree behind it then takes the other side of a split: probabilities were off by up to .14.
    Subtraction and multiplication in float32 are rounded the same way everywhere (IEEE 754).
    """

    def fit(self, values: Float32s, labels: object = None) -> Self:
        wide = np.asarray(values, np.float64)
        deviation = np.nanstd(wide, axis=0)
        self.mean_ = np.nanmean(wide, axis=0).astype(np.float32)
        scale = 1 / np.where(deviation > 0, deviation, 1)
        self.scale_ = np.minimum(scale, MAX_SCALE).astype(np.float32)
        self.n_features_in_ = wide.shape[1]
        return self

    def transform(self, values: Float32s) -> Float32s:
        scaled: Float32s = (np.asarray(values, np.float32) - self.mean_) * self.scale_
        return scaled
