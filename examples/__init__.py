"""Demonstrations, each with its data generator: `headrace demo telemetry`, `churn` and `recommend`."""
