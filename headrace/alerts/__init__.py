"""Alerts: what they have in common, and what an operator says of them."""
