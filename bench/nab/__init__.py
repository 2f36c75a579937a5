"""Anomaly detectors against labelled series: the Numenta Anomaly Benchmark, and other sets with labelled events."""
