"""Sparkplug B (Eclipse Sparkplug specification 3.0): births define metrics, data refer to them, deaths end them."""
