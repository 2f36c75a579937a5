"""Builds the image and puts a cluster of it to work: see `__main__.py`."""
