"""The doors: one file or folder per outside system. Knows nothing of models and of Flink."""
