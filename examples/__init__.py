"""Demonstrations, each with its data generator: `headrace demo`, `headrace demo-churn`, `headrace demo-recommend`."""
