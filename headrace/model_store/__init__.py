"""Versions of models: registered, promoted, taken back; for models of every kind."""
