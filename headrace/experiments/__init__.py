"""Experiments as an operator sees them: what is there by now, in words, as a page; and how one ends."""
