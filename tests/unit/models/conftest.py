"""Detectors are compiled when the tests are collected: once for each state of their sources, and in no test's time."""

from models.detectors.compilation import compile_all

compile_all()
