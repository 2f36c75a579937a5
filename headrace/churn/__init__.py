"""Churn models from the command line: a training, a scored file, usage features."""
