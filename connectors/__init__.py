"""Clients for external systems, one module or package each. Knows nothing of models and of Flink."""
