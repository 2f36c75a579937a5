"""Benchmarks: each prints its ratio last, against a named limit, both sides in one run."""
